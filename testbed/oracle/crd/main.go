// Command crd answers what an API server says about a custom resource whose
// definition has a schema: one JSON line {"schema", "object"} in, one line out: a
// JSON object with the fields that strict decoding refuses, the validation's
// errors, both sorted, and the object with defaults.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kjson "sigs.k8s.io/json"
)

type question struct {
	Schema apiextensionsv1.JSONSchemaProps `json:"schema"`
	Object json.RawMessage                 `json:"object"`
}

type answer struct {
	Unknown []string `json:"unknown"`
	Errors  []string `json:"errors"`
	Object  any      `json:"object"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := judge(lines.Bytes())
		if err != nil {
			text = "error: " + err.Error()
		}
		fmt.Fprintln(out, text)
	}
}

func judge(line []byte) (string, error) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return "", err
	}
	var object map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(q.Object, &object); err != nil {
		return "", err
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&q.Schema, &internal, nil); err != nil {
		return "", err
	}
	structural, err := structuralschema.NewStructural(&internal)
	if err != nil {
		return "", err
	}
	if errs := structuralschema.ValidateStructural(nil, structural); len(errs) > 0 {
		return "", errs.ToAggregate()
	}
	validator, _, err := validation.NewSchemaValidator(&internal)
	if err != nil {
		return "", err
	}
	unknown := pruning.PruneWithOptions(object, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(object, structural)
	defaulting.Default(object, structural)
	errs := validation.ValidateCustomResource(nil, object, validator)
	errs = append(errs, objectmeta.Validate(context.TODO(), nil, object, structural, false)...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, structural, object)...)
	if rules := cel.NewValidator(structural, true, celconfig.PerCallLimit); rules != nil && !blocks(errs) {
		found, _ := rules.Validate(context.TODO(), nil, structural, object, nil, celconfig.RuntimeCELCostBudget)
		errs = append(errs, found...)
	}
	texts := map[string]bool{}
	for _, err := range errs {
		texts[err.Error()] = true
	}
	sorted := make([]string, 0, len(texts))
	for text := range texts {
		sorted = append(sorted, text)
	}
	sort.Strings(sorted)
	if unknown == nil {
		unknown = []string{}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(answer{Unknown: unknown, Errors: sorted, Object: object})
	return string(bytes.TrimSpace(text.Bytes())), err
}

// blocks says whether the errors keep rules from being asked, as the API server's
// strategy for custom resources has it.
func blocks(errs field.ErrorList) bool {
	for _, err := range errs {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		}
	}
	return false
}
