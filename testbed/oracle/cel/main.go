// Command cel answers what the API server's own CEL environment makes of an
// expression: whether it is accepted, its value or error, and its cost.
//
// One JSON document a line: {"minor":35,"expr":"…","vars":{"object":…}}. Every
// variable is declared dyn; those of `declared` always are, others when given.
// The answer: {"accept":true,"result":"1u","error":"","cost":4}.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"gopkg.in/inf.v0"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/mutation"
	"k8s.io/apiserver/pkg/cel/mutation/dynamic"
)

var declared = []string{"object", "oldObject", "params", "variables", "i", "u", "d", "s", "b", "n", "l", "m"}

const internal = "internal error: interface conversion"

type question struct {
	Minor  uint            `json:"minor"`
	Expr   string          `json:"expr"`
	Vars   json.RawMessage `json:"vars"`
	Stored bool            `json:"stored"`
	// Bare leaves the cost out.
	Bare bool `json:"bare"`
	// Declarations asks for what the environment declares instead.
	Declarations bool `json:"declarations"`
	// Detail adds why an expression was refused; for people, not for comparison.
	Detail bool `json:"detail"`
}

type answer struct {
	Accept bool   `json:"accept"`
	Result string `json:"result"`
	Error  string `json:"error"`
	Cost   uint64 `json:"cost"`
	Why    string `json:"why,omitempty"`
}

type envKey struct {
	minor  uint
	stored bool
	extra  string
}

var (
	envs   = map[envKey]*cel.Env{}
	envsMu sync.Mutex
)

func env(minor uint, stored bool, vars map[string]any) *cel.Env {
	known := map[string]bool{}
	for _, name := range declared {
		known[name] = true
	}
	var extra []string
	for name := range vars {
		if !known[name] {
			extra = append(extra, name)
		}
	}
	sort.Strings(extra)
	key := envKey{minor, stored, strings.Join(extra, ",")}
	envsMu.Lock()
	defer envsMu.Unlock()
	if found, ok := envs[key]; ok {
		return found
	}
	var options []cel.EnvOption
	for _, name := range append(append([]string{}, declared...), extra...) {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	set, err := environment.MustBaseEnvSet(version.MajorMinor(1, minor)).Extend(
		environment.VersionedOptions{IntroducedVersion: version.MajorMinor(1, 0), EnvOptions: options},
		environment.StrictCostOpt,
	)
	if err != nil {
		panic(err)
	}
	which := environment.NewExpressions
	if stored {
		which = environment.StoredExpressions
	}
	result, err := set.Env(which)
	if err != nil {
		panic(err)
	}
	envs[key] = result
	return result
}

// ask answers one question. A panic of the reference while it compiles is a
// refusal: the API server answers such a request with an error.
func ask(line []byte) (result answer) {
	compiled := false
	defer func() {
		if failure := recover(); failure != nil {
			if compiled {
				result = answer{Accept: true, Error: fmt.Sprintf("panic: %v", failure)}
			} else {
				result = answer{Why: fmt.Sprintf("panic: %v", failure)}
			}
			if !strings.Contains(string(line), `"detail":true`) {
				result.Why = ""
			}
		}
	}()
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		panic(fmt.Sprintf("%v in %s", err, line))
	}
	vars := map[string]any{}
	if len(q.Vars) > 0 {
		if err := utiljson.Unmarshal(q.Vars, &vars); err != nil {
			panic(fmt.Sprintf("%v in %s", err, line))
		}
	}
	refused := func(why string) answer {
		if q.Detail {
			return answer{Why: why}
		}
		return answer{}
	}
	e := env(q.Minor, q.Stored, vars)
	if q.Declarations {
		return answer{Accept: true, Result: declarations(e)}
	}
	ast, issues := e.Compile(q.Expr)
	if issues != nil {
		return refused(issues.String())
	}
	program, err := e.Program(ast, cel.InterruptCheckFrequency(celconfig.CheckFrequency))
	if err != nil {
		return refused(err.Error())
	}
	compiled = true
	value, details, err := program.ContextEval(context.Background(), vars)
	result = answer{Accept: true}
	if !q.Bare && details != nil && details.ActualCost() != nil {
		result.Cost = *details.ActualCost()
	}
	if err != nil {
		result.Error = strings.ToValidUTF8(err.Error(), "\uFFFD")
		// A panic inside an evaluation names the reference's own types.
		if strings.HasPrefix(result.Error, internal) {
			result.Error = internal
		}
		return result
	}
	result.Result = canonical(value)
	return result
}

// declarations lists overloads and macros by name, overloads in the order in which
// they are tried, each once.
func declarations(e *cel.Env) string {
	var lines []string
	for name, function := range e.Functions() {
		if function.IsDeclarationDisabled() {
			continue
		}
		for index, overload := range function.OverloadDecls() {
			var arguments []string
			for _, argument := range overload.ArgTypes() {
				arguments = append(arguments, argument.String())
			}
			kind := "function"
			if overload.IsMemberFunction() {
				kind = "method"
			}
			lines = append(lines, fmt.Sprintf("%s %02d %s %s (%s) %s", name, index, kind, overload.ID(),
				strings.Join(arguments, ", "), overload.ResultType()))
		}
	}
	for _, macro := range e.Macros() {
		lines = append(lines, "macro "+macro.MacroKey())
	}
	sort.Strings(lines)
	return strings.Join(slices.Compact(lines), ";")
}

// canonical is a text that tells types and values apart.
func canonical(value ref.Val) string {
	switch v := value.(type) {
	case types.Null:
		return "null"
	case types.Bool:
		return strconv.FormatBool(bool(v))
	case types.Int:
		return strconv.FormatInt(int64(v), 10)
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10) + "u"
	case types.Double:
		if math.IsNaN(float64(v)) {
			return "dNaN"
		}
		return fmt.Sprintf("d%016x", math.Float64bits(float64(v)))
	case types.String:
		return quote(string(v))
	case types.Bytes:
		return "b" + hex.EncodeToString(v)
	case types.Duration:
		return fmt.Sprintf("duration(%d)", v.Duration.Nanoseconds())
	case types.Timestamp:
		return fmt.Sprintf("timestamp(%s)", v.ConvertToType(types.StringType).Value())
	case *types.Optional:
		if v.HasValue() {
			return "optional(" + canonical(v.GetValue()) + ")"
		}
		return "optional.none()"
	case *types.Type:
		return "type(" + v.TypeName() + ")"
	case apiservercel.Quantity:
		return quantity(v)
	case *apiservercel.Quantity:
		return quantity(*v)
	case apiservercel.IP:
		return "IP(" + v.Addr.String() + ")"
	case apiservercel.CIDR:
		return "CIDR(" + v.Prefix.String() + ")"
	case apiservercel.URL:
		return "URL(" + quote(v.URL.String()) + ")"
	case apiservercel.Semver:
		return "Semver(" + v.Version.String() + ")"
	case apiservercel.Format:
		return "Format(" + v.Name + ")"
	case *dynamic.ObjectVal:
		// Its fields are shown by what they become: they cannot be reached.
		return v.Type().TypeName() + fmt.Sprint(" ", plain(v.Value()))
	case *mutation.JSONPatchVal:
		value := ""
		if v.Val != nil {
			value = canonical(v.Val)
		}
		return fmt.Sprintf("JSONPatch{op: %s, path: %s, from: %s, value: %s}", quote(v.Op), quote(v.Path), quote(v.From), value)
	case traits.Lister:
		var parts []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, canonical(it.Next()))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case traits.Mapper:
		var parts []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			parts = append(parts, canonical(key)+": "+canonical(v.Get(key)))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if name := value.Type().TypeName(); strings.HasPrefix(name, "kubernetes.authorization.") {
		return name
	}
	if t, ok := value.(ref.Type); ok {
		return "type(" + t.TypeName() + ")"
	}
	return fmt.Sprintf("%T(%v)", value, value)
}

// quantity is its exact number without trailing zeros, and whether it is an integer to CEL.
func quantity(q apiservercel.Quantity) string {
	copied := q.Quantity.DeepCopy()
	_, integer := copied.AsInt64()
	exact := new(inf.Dec).Set(copied.AsDec())
	text := exact.UnscaledBig().String()
	scale := int64(exact.Scale())
	for strings.HasSuffix(text, "0") && len(strings.TrimLeft(text, "-")) > 1 {
		text = text[:len(text)-1]
		scale--
	}
	if text == "0" {
		scale = 0
	}
	return fmt.Sprintf("quantity(%se%d,%t)", text, -scale, integer)
}

func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// askAny answers a question about an expression or about a policy.
func askAny(line []byte) any {
	if !strings.HasPrefix(string(line), `{"policy":`) {
		return ask(line)
	}
	var q struct {
		Policy policy `json:"policy"`
	}
	if err := json.Unmarshal(line, &q); err != nil {
		panic(fmt.Sprintf("%v in %s", err, line))
	}
	return askPolicy(q.Policy)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	pending := make(chan chan []byte, 64)
	slots := make(chan struct{}, runtime.NumCPU())
	go func() {
		defer close(pending)
		for {
			line, err := in.ReadBytes('\n')
			if len(line) > 1 {
				reply := make(chan []byte, 1)
				pending <- reply
				slots <- struct{}{}
				go func() {
					defer func() { <-slots }()
					text, err := marshal(askAny(line))
					if err != nil {
						panic(err)
					}
					reply <- text
				}()
			}
			if err != nil {
				return
			}
		}
	}()
	for reply := range pending {
		out.Write(<-reply)
		out.WriteByte('\n')
		if len(pending) == 0 {
			out.Flush()
		}
	}
}

// marshal writes JSON without escaping <, > and &.
func marshal(a any) ([]byte, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(a); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
