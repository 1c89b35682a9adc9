// Command pss answers what Pod Security admission says: one JSON line
// {"level","version","meta","spec"}, {"labels"} or {"review"} in, one line out.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/admission/api/load"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"
	"k8s.io/pod-security-admission/policy"
)

type question struct {
	Level   string            `json:"level"`
	Version string            `json:"version"`
	Meta    metav1.ObjectMeta `json:"meta"`
	Spec    corev1.PodSpec    `json:"spec"`
	Labels  map[string]string `json:"labels"`
	Review  *review           `json:"review"`
}

// review is a creation as the admission plugin sees it, or, with Tighten, a
// change of the namespace's labels under pods that exist.
type review struct {
	Configuration json.RawMessage   `json:"configuration"`
	User          string            `json:"user"`
	Labels        map[string]string `json:"labels"`
	Object        json.RawMessage   `json:"object"`
	Kind          string            `json:"kind"`
	Tighten       map[string]string `json:"tighten"`
	Pods          []*corev1.Pod     `json:"pods"`
}

func (r *review) GetNamespace(context.Context, string) (*corev1.Namespace, error) {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", Labels: r.Labels}}, nil
}

func (r *review) ListPods(context.Context, string) ([]*corev1.Pod, error) { return r.Pods, nil }

func (r *review) answer(evaluator policy.Evaluator) any {
	configuration, err := load.LoadFromData(r.Configuration)
	if err != nil {
		return map[string]string{"unreadable": err.Error()}
	}
	plugin := admission.Admission{Configuration: configuration, Evaluator: evaluator, Metrics: nothing{}, NamespaceGetter: r, PodLister: r}
	if err := plugin.CompleteConfiguration(); err != nil {
		return map[string]string{"unreadable": err.Error()}
	}
	attributes := &api.AttributesRecord{Name: "p", Namespace: "ns", Operation: admissionv1.Create, Username: r.User}
	switch r.Kind {
	case "Namespace":
		namespace, _ := r.GetNamespace(nil, "")
		attributes.OldObject = namespace
		attributes.Object = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", Labels: r.Tighten}}
		attributes.Operation = admissionv1.Update
		attributes.Resource = corev1.SchemeGroupVersion.WithResource("namespaces")
	case "Pod":
		attributes.Object, attributes.Resource = &corev1.Pod{}, corev1.SchemeGroupVersion.WithResource("pods")
	case "Deployment":
		attributes.Object, attributes.Resource = &appsv1.Deployment{}, appsv1.SchemeGroupVersion.WithResource("deployments")
	case "CronJob":
		attributes.Object, attributes.Resource = &batchv1.CronJob{}, batchv1.SchemeGroupVersion.WithResource("cronjobs")
	}
	if r.Object != nil {
		if err := json.Unmarshal(r.Object, attributes.Object); err != nil {
			return map[string]string{"unreadable": err.Error()}
		}
	}
	response := plugin.Validate(context.Background(), attributes)
	message := ""
	if response.Result != nil {
		message = response.Result.Message
	}
	audit := response.AuditAnnotations
	if len(audit) == 0 {
		audit = nil
	}
	return map[string]any{"denied": message, "warnings": response.Warnings, "audit": audit}
}

// nothing records no metrics.
type nothing struct{}

func (nothing) RecordEvaluation(metrics.Decision, api.LevelVersion, metrics.Mode, api.Attributes) {}
func (nothing) RecordExemption(api.Attributes)                                                    {}
func (nothing) RecordError(bool, api.Attributes)                                                  {}

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
		if q.Review != nil {
			text, _ := json.Marshal(q.Review.answer(evaluator))
			fmt.Fprintln(out, string(text))
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
