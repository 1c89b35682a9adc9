// Command defaults answers what the API server makes of an object before it
// stores it, admission aside: one JSON object a line in, one line out. It is
// decoded, defaulted, taken to the internal version and back.
//
// A line {"rbac": true} is answered with the roles and bindings that this API
// server starts with, one JSON list.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/extensions/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	rbacv1 "k8s.io/api/rbac/v1"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		if bytes.Equal(lines.Bytes(), []byte(`{"rbac": true}`)) {
			fmt.Fprintln(out, bootstrap())
			continue
		}
		answer, err := defaulted(lines.Bytes())
		if err != nil {
			answer = "error: " + err.Error()
		}
		fmt.Fprintln(out, answer)
	}
}

func defaulted(data []byte) (string, error) {
	object, kind, err := legacyscheme.Codecs.UniversalDeserializer().Decode(data, nil, nil)
	if err != nil {
		return "", err
	}
	legacyscheme.Scheme.Default(object)
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, schema.GroupVersion{Group: kind.Group, Version: runtime.APIVersionInternal})
	if err != nil {
		return "", err
	}
	versioned, err := legacyscheme.Scheme.ConvertToVersion(internal, kind.GroupVersion())
	if err != nil {
		return "", err
	}
	return canonical(versioned)
}

// canonical sorts the keys and leaves out what says nothing: null and empty
// maps and lists, which Go's types write or not by their tags.
func canonical(object any) (string, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return "", err
	}
	var value any
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "", err
	}
	value, _ = prune(value)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", err
	}
	return string(bytes.TrimSpace(text.Bytes())), nil
}

func prune(value any) (any, bool) {
	switch value := value.(type) {
	case nil:
		return nil, false
	case map[string]any:
		for key, member := range value {
			if kept, ok := prune(member); ok {
				value[key] = kept
			} else {
				delete(value, key)
			}
		}
		return value, len(value) > 0
	case []any:
		for i, item := range value {
			value[i], _ = prune(item)
		}
		return value, len(value) > 0
	}
	return value, true
}

func bootstrap() string {
	var objects []any
	add := func(kind string, object any) {
		data, _ := json.Marshal(object)
		var value map[string]any
		_ = json.Unmarshal(data, &value)
		value["apiVersion"], value["kind"] = rbacv1.SchemeGroupVersion.String(), kind
		objects = append(objects, value)
	}
	for _, role := range bootstrappolicy.ClusterRoles() {
		add("ClusterRole", role)
	}
	for _, binding := range bootstrappolicy.ClusterRoleBindings() {
		add("ClusterRoleBinding", binding)
	}
	for _, binding := range bootstrappolicy.ControllerRoleBindings() {
		add("ClusterRoleBinding", binding)
	}
	for _, role := range bootstrappolicy.ControllerRoles() {
		add("ClusterRole", role)
	}
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		for _, role := range roles {
			add("Role", role)
		}
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for _, binding := range bindings {
			add("RoleBinding", binding)
		}
	}
	text, err := canonical(objects)
	if err != nil {
		return "error: " + err.Error()
	}
	return text
}
