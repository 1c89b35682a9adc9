package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"
	"unsafe"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/cel/mutation/dynamic"
)

// policy is a stage of an admission policy: {"policy":{…}} in, stageAnswer out.
type policy struct {
	Minor     uint `json:"minor"`
	Params    bool `json:"params"`
	Variables []struct {
		Name string `json:"name"`
		Expr string `json:"expr"`
	} `json:"variables"`
	// Use is condition, message, mutation, or webhook for a condition of one.
	Use         string   `json:"use"`
	Expressions []string `json:"exprs"`
	Budget      int64    `json:"budget"`
	// Object, Old, Namespace and Param are what is evaluated on; null is none.
	Object    json.RawMessage `json:"object"`
	Old       json.RawMessage `json:"old"`
	Namespace json.RawMessage `json:"namespace"`
	Param     json.RawMessage `json:"param"`
	// Typed objects are of Kubernetes' own types.
	Typed  bool `json:"typed"`
	Detail bool `json:"detail"`
}

type stageAnswer struct {
	// Variables and Expressions are their types, empty when they are refused.
	Variables   []string `json:"variables"`
	Expressions []string `json:"exprs"`
	Results     []string `json:"results"`
	Left        int64    `json:"left"`
	Ended       string   `json:"ended,omitempty"`
	Why         string   `json:"why,omitempty"`
}

type expression struct{ name, text string }

func (e expression) GetName() string          { return e.name }
func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return []*cel.Type{cel.AnyType} }

//go:linkname evaluatePatch k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch.(*jsonPatcher).evaluatePatchExpression
func evaluatePatch(patcher unsafe.Pointer, ctx context.Context, evaluator plugincel.MutatingEvaluator, budget int64, request patch.Request, admissionRequest *admissionv1.AdmissionRequest) (jsonpatch.Patch, int64, error)

// rules answers by the question's text and says it in its reason.
type rules struct{}

func (rules) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	fields, fieldsErr := a.GetFieldSelector()
	labels, labelsErr := a.GetLabelSelector()
	var selectors []string
	for _, requirement := range fields {
		selectors = append(selectors, requirement.Field+string(requirement.Operator)+requirement.Value)
	}
	for _, requirement := range labels {
		selectors = append(selectors, requirement.String())
	}
	if fieldsErr != nil || labelsErr != nil {
		selectors = append(selectors, "unparsable")
	}
	reason := fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%s|%s", a.GetUser().GetName(), a.GetVerb(), a.GetAPIGroup(),
		a.GetResource(), a.GetSubresource(), a.GetNamespace(), a.GetName(), a.GetPath(), strings.Join(selectors, ";"))
	var err error
	if a.GetVerb() == "fail" {
		err = errors.New("failed: " + a.GetResource())
	}
	if strings.Contains(reason, "pods") || strings.HasPrefix(a.GetPath(), "/healthz") {
		return authorizer.DecisionAllow, reason, err
	}
	if a.GetVerb() == "watch" {
		return authorizer.DecisionDeny, reason, err
	}
	return authorizer.DecisionNoOpinion, reason, err
}

var (
	widgetKind = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Widget"}
	widgets    = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}
)

func (p policy) read(text json.RawMessage) runtime.Object {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	if p.Typed {
		pod := &corev1.Pod{}
		if err := json.Unmarshal(text, pod); err != nil {
			panic(err)
		}
		return pod
	}
	content := map[string]any{}
	if err := utiljson.Unmarshal(text, &content); err != nil {
		panic(err)
	}
	return &unstructured.Unstructured{Object: content}
}

func (p policy) attributes() *admission.VersionedAttributes {
	object, old := p.read(p.Object), p.read(p.Old)
	operation := admission.Update
	if old == nil {
		operation = admission.Create
	} else if object == nil {
		operation = admission.Delete
	}
	alice := &user.DefaultInfo{Name: "alice", UID: "7", Groups: []string{"devs", "system:authenticated"},
		Extra: map[string][]string{"scopes": {"a", "b"}}}
	dryRun := true
	options := &metav1.CreateOptions{TypeMeta: metav1.TypeMeta{Kind: "CreateOptions", APIVersion: "meta.k8s.io/v1"}, FieldManager: "test"}
	attributes := admission.NewAttributesRecord(object, old, widgetKind, "shop", "w", widgets, "status", operation, options, dryRun, alice)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: widgetKind}
	if object != nil {
		versioned.VersionedObject = admission.NewLazyObject(object)
	}
	if old != nil {
		versioned.VersionedOldObject = admission.NewLazyObject(old)
	}
	return versioned
}

// askPolicy answers for one stage. A panic while compiling is a refusal of all.
func askPolicy(p policy) (answer stageAnswer) {
	answer.Variables, answer.Expressions, answer.Results = []string{}, []string{}, []string{}
	base := environment.MustBaseEnvSet(version.MajorMinor(1, p.Minor))
	declared := plugincel.OptionalVariableDeclarations{HasParams: p.Params, HasAuthorizer: true}
	inputs := plugincel.OptionalVariableBindings{Authorizer: rules{}}
	if param := p.read(p.Param); param != nil {
		inputs.VersionedParams = param
	}
	attributes := p.attributes()
	request := plugincel.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(widgets), metav1.GroupVersionKind(widgetKind))
	var namespace *corev1.Namespace
	if len(p.Namespace) > 0 && string(p.Namespace) != "null" {
		namespace = &corev1.Namespace{}
		if err := json.Unmarshal(p.Namespace, namespace); err != nil {
			panic(err)
		}
		namespace = plugincel.CreateNamespaceObject(namespace)
	}
	compiler, err := plugincel.NewCompositedCompiler(base)
	if err != nil {
		panic(err)
	}
	refused := func(err error) {
		if p.Detail && err != nil {
			answer.Why += err.Error() + "\n"
		}
	}
	for _, variable := range p.Variables {
		result := compiler.CompileAndStoreVariable(expression{variable.Name, variable.Expr}, declared, environment.NewExpressions)
		answer.Variables = append(answer.Variables, typeOf(result))
		if result.Error != nil {
			refused(result.Error)
		}
	}
	wanted := declared
	var compile plugincel.Compiler = compiler
	var conditions plugincel.ConditionCompiler = compiler
	switch p.Use {
	case "message":
		wanted.HasAuthorizer, inputs.Authorizer = false, nil
	case "mutation":
		wanted.HasPatchTypes = true
	case "webhook":
		wanted.HasParams, inputs.VersionedParams = false, nil
		compile, conditions = plugincel.NewCompiler(base), plugincel.NewConditionCompiler(base)
	}
	var accessors []plugincel.ExpressionAccessor
	for _, text := range p.Expressions {
		accessor := expression{text: text}
		result := compileOne(compile, accessor, wanted)
		answer.Expressions = append(answer.Expressions, typeOf(result))
		if result.Error != nil {
			refused(result.Error)
			continue
		}
		accessors = append(accessors, accessor)
	}
	answer.Left = p.Budget
	if p.Use == "mutation" {
		p.mutate(&answer, compiler, accessors, wanted, attributes, request, inputs, namespace)
		return answer
	}
	defer ended(&answer)
	results, left, err := conditions.CompileCondition(accessors, wanted, environment.NewExpressions).
		ForInput(context.Background(), attributes, request, inputs, namespace, p.Budget)
	answer.Left = left
	if err != nil {
		answer.Ended = detail(err)
	}
	for _, result := range results {
		answer.Results = append(answer.Results, shown(result))
	}
	return answer
}

func compileOne(compiler plugincel.Compiler, accessor expression, wanted plugincel.OptionalVariableDeclarations) (result plugincel.CompilationResult) {
	defer func() {
		if failure := recover(); failure != nil {
			result = plugincel.CompilationResult{Error: &apiservercel.Error{Detail: fmt.Sprint("panic: ", failure)}}
		}
	}()
	return compiler.CompileCELExpression(accessor, wanted, environment.NewExpressions)
}

// ended says what ended an evaluation that panicked.
func ended(answer *stageAnswer) {
	if failure := recover(); failure != nil {
		answer.Ended = fmt.Sprint("panic: ", failure)
		answer.Left = -1
	}
}

// mutate evaluates each expression with its own stage and budget, and gives the
// patch or object that the API server would apply.
func (p policy) mutate(answer *stageAnswer, compiler *plugincel.CompositedCompiler, accessors []plugincel.ExpressionAccessor,
	wanted plugincel.OptionalVariableDeclarations, attributes *admission.VersionedAttributes, request *admissionv1.AdmissionRequest,
	inputs plugincel.OptionalVariableBindings, namespace *corev1.Namespace) {
	for _, accessor := range accessors {
		evaluator := compiler.CompileMutatingEvaluator(accessor, wanted, environment.NewExpressions)
		ctx := func() context.Context { return compiler.CreateContext(context.Background()) }
		func() {
			defer ended(answer)
			result, left, err := evaluator.ForInput(ctx(), attributes, request, inputs, namespace, p.Budget)
			answer.Left = left
			if err != nil {
				answer.Results = append(answer.Results, "ended: "+detail(err))
				return
			}
			text := shown(result)
			if result.Error == nil {
				// Only expressions of these types become mutations.
				switch typeOf(compiler.CompileCELExpression(accessor, wanted, environment.NewExpressions)) {
				case "Object":
					text += " => " + applied(result.EvalResult)
				case "list(JSONPatch)":
					text += " => " + p.patched(ctx(), evaluator, attributes, request, inputs, namespace)
				}
			}
			answer.Results = append(answer.Results, fmt.Sprintf("%s (%d)", text, left))
		}()
	}
}

func applied(result ref.Val) string {
	object, ok := result.(*dynamic.ObjectVal)
	if !ok {
		return fmt.Sprintf("unsupported return type from ApplyConfiguration expression: %v", result.Type())
	}
	if err := object.CheckTypeNamesMatchFieldPathNames(); err != nil {
		return sorted("type mismatch: " + err.Error())
	}
	value, ok := object.Value().(map[string]any)
	if !ok {
		return "invalid return type"
	}
	return plain(value)
}

// sorted puts the lines of an error in order: they come in the order of Go's maps.
func sorted(text string) string {
	text = strings.ReplaceAll(text, "\u00a0", " ")
	const start = "type mismatch: "
	if rest, ok := strings.CutPrefix(text, start); ok {
		lines := strings.Split(rest, "\n")
		sort.Strings(lines)
		return start + strings.Join(lines, "\n")
	}
	return text
}

func (p policy) patched(ctx context.Context, evaluator plugincel.MutatingEvaluator, attributes *admission.VersionedAttributes,
	request *admissionv1.AdmissionRequest, inputs plugincel.OptionalVariableBindings, namespace *corev1.Namespace) string {
	patcher := patch.NewJSONPatcher(evaluator)
	data := (*[2]unsafe.Pointer)(unsafe.Pointer(&patcher))[1]
	operations, _, err := evaluatePatch(data, ctx, evaluator, math.MaxInt32,
		patch.Request{MatchedResource: widgets, VersionedAttributes: attributes, OptionalVariables: inputs, Namespace: namespace}, request)
	if err != nil {
		return sorted(err.Error())
	}
	var shown []string
	for _, operation := range operations {
		var parts []string
		for name, value := range operation {
			parts = append(parts, name+" "+jsonText(*value))
		}
		sort.Strings(parts)
		shown = append(shown, strings.Join(parts, " "))
	}
	return "[" + strings.Join(shown, ", ") + "]"
}

// jsonText is JSON in one form.
func jsonText(text []byte) string {
	var value any
	if err := utiljson.Unmarshal(text, &value); err != nil {
		return "not JSON: " + string(text)
	}
	return plain(value)
}

// plain shows data as JSON with sorted keys; none when something in it is no data.
func plain(value any) string {
	text := data(value)
	if strings.Contains(text, unexpected) {
		return "unexpected"
	}
	return text
}

const unexpected = "\x00unexpected "

func data(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case map[string]any:
		var parts []string
		for key, item := range v {
			parts = append(parts, quote(key)+": "+data(item))
		}
		sort.Strings(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, data(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return quote(v)
	case bool, int64, uint64:
		return fmt.Sprint(v)
	case float64:
		return canonical(types.Double(v))
	}
	return unexpected + fmt.Sprintf("%T", value)
}

func typeOf(result plugincel.CompilationResult) string {
	if result.Error != nil || result.OutputType == nil {
		return ""
	}
	return result.OutputType.String()
}

func detail(err error) string {
	var known *apiservercel.Error
	if errors.As(err, &known) {
		return known.Detail
	}
	return err.Error()
}

// shown is a result's value, or its error without the expression.
func shown(result plugincel.EvaluationResult) string {
	if result.Error == nil {
		if result.EvalResult == nil {
			return "nil"
		}
		return policyValue(result.EvalResult)
	}
	text := detail(result.Error)
	prefix := fmt.Sprintf("expression '%v' resulted in error: ", result.ExpressionAccessor.GetExpression())
	text = strings.ToValidUTF8(strings.TrimPrefix(text, prefix), "\uFFFD")
	// What is wrong with an expression is said in our own words.
	for _, end := range []string{internal, "fails to compile: "} {
		if at := strings.Index(text, end); at >= 0 {
			text = text[:at] + end
		}
	}
	return "! " + text
}

// policyValue is a value with the types that only policies have.
func policyValue(value ref.Val) (text string) {
	defer func() {
		if failure := recover(); failure != nil {
			text = fmt.Sprint("panic: ", failure)
		}
	}()
	return canonical(value)
}
