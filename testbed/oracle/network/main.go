// Command network answers how the API server judges a new NetworkPolicy: one
// JSON line {"strict","policy"} in, one line out: `allowed`, or what it refuses
// as `Type field`, sorted, each once. `strict` is the feature gate
// StrictIPCIDRValidation, on by default from Kubernetes 1.36.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	"k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/features"
)

type question struct {
	Strict bool                       `json:"strict"`
	Policy networkingv1.NetworkPolicy `json:"policy"`
}

func answer(line []byte) string {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return "unreadable: " + err.Error()
	}
	gate := fmt.Sprintf("%s=%t", features.StrictIPCIDRValidation, q.Strict)
	if err := utilfeature.DefaultMutableFeatureGate.Set(gate); err != nil {
		return err.Error()
	}
	legacyscheme.Scheme.Default(&q.Policy)
	var internal networking.NetworkPolicy
	if err := legacyscheme.Scheme.Convert(&q.Policy, &internal, nil); err != nil {
		return "unreadable: " + err.Error()
	}
	options := validation.ValidationOptionsForNetworking(&internal, nil)
	var refused []string
	for _, err := range validation.ValidateNetworkPolicy(&internal, options) {
		refused = append(refused, fmt.Sprintf("%s %s", strings.ReplaceAll(string(err.Type), "FieldValue", ""), err.Field))
	}
	if len(refused) == 0 {
		return "allowed"
	}
	slices.Sort(refused)
	return strings.Join(slices.Compact(refused), "; ")
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		fmt.Fprintln(out, answer(lines.Bytes()))
	}
}
