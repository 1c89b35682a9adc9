// Command yaml answers how the API machinery reads a text: one JSON line in, one
// JSON line out.
//
//	{"stream": TEXT}  every document of the stream, as kubectl takes them apart:
//	                  a list of values and "error"
//	{"strict": TEXT}  one document decoded strictly into its kind's Go type: the
//	                  sorted strict errors, or "fatal", or "no kind"
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

type question struct {
	Stream *string `json:"stream"`
	Strict *string `json:"strict"`
}

func main() {
	if err := apiextensionsv1.AddToScheme(scheme.Scheme); err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 256<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			fmt.Fprintln(out, "unreadable:", err)
			continue
		}
		switch {
		case q.Stream != nil:
			fmt.Fprintln(out, strings.Join(stream(*q.Stream), " "))
		case q.Strict != nil:
			fmt.Fprintln(out, strict(*q.Strict))
		}
	}
}

// stream goes on behind a broken document, which kubectl does not. A JSON stream
// cannot go on.
func stream(text string) []string {
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	answers := []string{}
	good := 0
	for {
		var raw runtime.RawExtension
		err := decoder.Decode(&raw)
		if err == io.EOF {
			return answers
		}
		if err != nil {
			if strings.HasPrefix(err.Error(), "decoding failed as both") {
				// White space alone is left, the error was told.
				return answers
			}
			answers = append(answers, "error")
			if syntax := (utilyaml.YAMLSyntaxError{}); good > 1 && !errors.As(err, &syntax) {
				return answers
			}
			continue
		}
		good++
		if len(raw.Raw) == 0 || bytes.Equal(raw.Raw, []byte("null")) {
			continue
		}
		answers = append(answers, value(raw.Raw))
	}
}

// value is canonical: sorted keys, integers in decimal, floats by their bits.
func value(data []byte) string {
	var v any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &v); err != nil {
		return "error"
	}
	var text strings.Builder
	write(&text, v)
	return text.String()
}

func write(text *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		text.WriteString("null")
	case bool:
		text.WriteString(strconv.FormatBool(v))
	case int64:
		text.WriteString(strconv.FormatInt(v, 10))
	case float64:
		fmt.Fprintf(text, "f%016x", math.Float64bits(v))
	case string:
		quote(text, v)
	case []any:
		text.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				text.WriteByte(',')
			}
			write(text, item)
		}
		text.WriteByte(']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		text.WriteByte('{')
		for i, key := range keys {
			if i > 0 {
				text.WriteByte(',')
			}
			quote(text, key)
			text.WriteByte(':')
			write(text, v[key])
		}
		text.WriteByte('}')
	}
}

// quote writes everything but printable ASCII by its number.
func quote(text *strings.Builder, s string) {
	text.WriteByte('"')
	for _, r := range s {
		if r == '"' || r == '\\' || r <= 0x20 || r > 0x7e {
			fmt.Fprintf(text, "\\{%x}", r)
		} else {
			text.WriteRune(r)
		}
	}
	text.WriteByte('"')
}

var duplicateKey = regexp.MustCompile(`key (".*"|\S+) already set in map`)

func strict(text string) string {
	decoder := serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		serializer.SerializerOptions{Yaml: true, Strict: true})
	_, _, err := decoder.Decode([]byte(text), nil, nil)
	if err == nil {
		return "[]"
	}
	strictError, ok := runtime.AsStrictDecodingError(err)
	if !ok {
		if runtime.IsNotRegisteredError(err) || runtime.IsMissingKind(err) || runtime.IsMissingVersion(err) {
			return "no kind"
		}
		if _, yamlErr := yaml.YAMLToJSON([]byte(text)); yamlErr != nil {
			return "no yaml"
		}
		return "fatal"
	}
	found := map[string]bool{}
	for _, one := range strictError.Errors() {
		message := one.Error()
		if repeated := duplicateKey.FindAllStringSubmatch(message, -1); repeated != nil {
			for _, match := range repeated {
				key := match[1]
				if plain, err := strconv.Unquote(key); err == nil {
					key = plain
				}
				found["duplicate "+key] = true
			}
			continue
		}
		found[message] = true
	}
	sorted := make([]string, 0, len(found))
	for message := range found {
		sorted = append(sorted, message)
	}
	sort.Strings(sorted)
	answer, _ := json.Marshal(sorted)
	return string(answer)
}
