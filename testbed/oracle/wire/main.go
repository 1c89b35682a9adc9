// Prints how the API server's Go types write their fields: which ones they leave out
// when they are empty, and which ones are always there. One table for all kinds.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

var types = map[string][]string{}

// The name of a type as the OpenAPI documents have it.
func name(t reflect.Type) string {
	parts := strings.SplitN(t.PkgPath(), "/", 2)
	host := strings.Split(parts[0], ".")
	for i, j := 0, len(host)-1; i < j; i, j = i+1, j-1 {
		host[i], host[j] = host[j], host[i]
	}
	return strings.Join(host, ".") + "." + strings.ReplaceAll(parts[1], "/", ".") + "." + t.Name()
}

// Types that write themselves: what their zero value is written as.
var own = map[reflect.Type]string{
	reflect.TypeOf(metav1.Time{}):          "null",
	reflect.TypeOf(metav1.MicroTime{}):     "null",
	reflect.TypeOf(metav1.Duration{}):      "\"0s\"",
	reflect.TypeOf(metav1.FieldsV1{}):      "null",
	reflect.TypeOf(intstr.IntOrString{}):   "0",
	reflect.TypeOf(resource.Quantity{}):    "\"0\"",
	reflect.TypeOf(runtime.RawExtension{}): "null",
}

func field(f reflect.StructField, key, options string) string {
	empty, zero := strings.Contains(options, "omitempty"), strings.Contains(options, "omitzero")
	t := f.Type
	if value, ok := own[t]; ok {
		if zero {
			return ""
		}
		return key + " " + value
	}
	switch t.Kind() {
	case reflect.Struct:
		if zero {
			return key + " -"
		}
		return key + " {}"
	case reflect.Pointer, reflect.Interface:
		if empty || zero {
			return ""
		}
		return key + " null"
	}
	if empty || zero {
		return key + " -"
	}
	switch t.Kind() {
	case reflect.Bool:
		return key + " false"
	case reflect.String:
		return key + " \"\""
	case reflect.Slice, reflect.Map:
		return key + " null"
	default:
		return key + " 0"
	}
}

func visit(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		visit(t.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	if _, ok := own[t]; ok || t.PkgPath() == "" {
		return
	}
	if _, ok := types[name(t)]; ok {
		return
	}
	types[name(t)] = nil
	types[name(t)] = fields(t)
}

func fields(t reflect.Type) []string {
	var lines []string
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || key == "-" {
			continue
		}
		if key == "" {
			if f.Type != reflect.TypeOf(metav1.TypeMeta{}) && f.Type.Kind() == reflect.Struct {
				lines = append(lines, fields(f.Type)...)
			}
			continue
		}
		visit(f.Type)
		if line := field(f, key, options); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func table() string {
	for gvk, t := range scheme.Scheme.AllKnownTypes() {
		if gvk.Version != runtime.APIVersionInternal && !strings.HasSuffix(gvk.Kind, "List") {
			visit(t)
		}
	}
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	sort.Strings(names)
	var out strings.Builder
	fmt.Fprintln(&out, "# How the API server's Go types write their fields: testbed/oracle/wire. Do not edit.")
	for _, name := range names {
		if len(types[name]) > 0 {
			fmt.Fprintf(&out, "T %s\n%s\n", name, strings.Join(types[name], "\n"))
		}
	}
	return out.String()
}

// Answers each line with the table, as a JSON string.
func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := json.Marshal(table())
		if err != nil {
			panic(err)
		}
		fmt.Println(string(answer))
	}
}
