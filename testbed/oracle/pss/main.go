// Command pss answers what Pod Security admission says: one JSON line
// {"level","version","meta","spec"} or {"labels"} in, one line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

type question struct {
	Level   string            `json:"level"`
	Version string            `json:"version"`
	Meta    metav1.ObjectMeta `json:"meta"`
	Spec    corev1.PodSpec    `json:"spec"`
	Labels  map[string]string `json:"labels"`
}

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(out, "unreadable:", err)
			continue
		}
		if q.Labels != nil {
			all := api.LevelVersion{Level: api.LevelPrivileged, Version: api.LatestVersion()}
			p, errs := api.PolicyToEvaluate(q.Labels, api.Policy{Enforce: all, Audit: all, Warn: all})
			fmt.Fprintf(out, "%s %s %s %d\n", p.Enforce.String(), p.Audit.String(), p.Warn.String(), len(errs))
			continue
		}
		level, _ := api.ParseLevel(q.Level)
		version, _ := api.ParseVersion(q.Version)
		results := evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, &q.Meta, &q.Spec)
		aggregate := policy.AggregateCheckResults(results)
		if aggregate.Allowed {
			fmt.Fprintln(out, "allowed")
			continue
		}
		fmt.Fprintln(out, aggregate.ForbiddenDetail())
	}
}
