package manifests

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	openapi "k8s.io/kube-openapi/pkg/validation/errors"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"

	"oauth-operator.dev/api/v1alpha1"
	"oauth-operator.dev/config/crd"
)

// crdSchema is the schema of a CRD.
type crdSchema struct {
	schema    *spec.Schema
	validator *validate.SchemaValidator
}

// schemaOf returns the schema of one of our resources. The definitions are part of
// the program: that they can be read is a matter of its tests.
func schemaOf(resource string) *crdSchema {
	raw, err := crd.Bases.ReadFile("bases/" + v1alpha1.GroupName + "_" + resource + ".yaml")
	if err != nil {
		panic(err)
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string
				Schema struct {
					OpenAPIV3Schema json.RawMessage
				}
			}
		}
	}
	if err := yaml.Unmarshal(raw, &definition); err != nil {
		panic(err)
	}
	for _, version := range definition.Spec.Versions {
		if version.Name != v1alpha1.GroupVersion.Version {
			continue
		}
		schema := &spec.Schema{}
		if err := json.Unmarshal(version.Schema.OpenAPIV3Schema, schema); err != nil {
			panic(err)
		}
		return &crdSchema{schema, validate.NewSchemaValidator(schema, nil, "", strfmt.Default)}
	}
	panic(fmt.Sprintf("the CRD of %s has no version %s", resource, v1alpha1.GroupVersion.Version))
}

// problems returns the fields that the schema does not have, and those that have
// values that it does not allow.
func (s *crdSchema) problems(o map[string]any) []problem {
	found := unknown(s.schema, o, nil)
	// The defaults are part of what is checked.
	completed := runtime.DeepCopyJSON(o)
	delete(completed, "status")
	s.complete(completed)
	for _, err := range s.validator.Validate(completed).Errors {
		found = append(found, problemOf(err))
	}
	return found
}

func problemOf(err error) problem {
	var known *openapi.Validation
	if !errors.As(err, &known) {
		return problem{nil, err.Error()}
	}
	// The message begins with the name of the field.
	message := strings.TrimPrefix(err.Error(), known.Name)
	message = strings.TrimPrefix(message, " in body")
	return problem{parsePath(known.Name), strings.TrimSpace(message)}
}

// unknown finds fields that the schema does not have: kubectl apply would refuse
// them, too.
func unknown(s *spec.Schema, value any, at path) (found []problem) {
	below := func(step any) path { return append(append(path{}, at...), step) }
	switch value := value.(type) {
	case map[string]any:
		if len(s.Properties) == 0 && s.AdditionalProperties == nil {
			return nil // anything goes, as in metadata
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			property, ok := s.Properties[name]
			switch {
			case ok:
				found = append(found, unknown(&property, value[name], below(name))...)
			case s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil:
				found = append(found, unknown(s.AdditionalProperties.Schema, value[name], below(name))...)
			case s.AdditionalProperties == nil:
				found = append(found, problem{below(name), "is no field that there is"})
			}
		}
	case []any:
		if s.Items == nil || s.Items.Schema == nil {
			return nil
		}
		for i, element := range value {
			found = append(found, unknown(s.Items.Schema, element, below(i))...)
		}
	}
	return found
}

// complete applies the defaults, as the API server does.
func (s *crdSchema) complete(o map[string]any) { complete(s.schema, o) }

func complete(s *spec.Schema, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range s.Properties {
			if have, ok := value[name]; ok && have == nil && property.Default != nil && !property.Nullable {
				delete(value, name) // a null says the same as nothing
			}
			if _, ok := value[name]; !ok && property.Default != nil {
				value[name] = runtime.DeepCopyJSONValue(integers(property.Default))
			}
			if have, ok := value[name]; ok {
				complete(&property, have)
			}
		}
		if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
			for name, have := range value {
				if _, ok := s.Properties[name]; !ok {
					complete(s.AdditionalProperties.Schema, have)
				}
			}
		}
	case []any:
		if s.Items != nil && s.Items.Schema != nil {
			for _, element := range value {
				complete(s.Items.Schema, element)
			}
		}
	}
}

// integers makes the whole numbers of decoded JSON integers, as they are in
// objects.
func integers(value any) any {
	switch value := value.(type) {
	case float64:
		if whole := int64(value); float64(whole) == value {
			return whole
		}
	case map[string]any:
		for name := range value {
			value[name] = integers(value[name])
		}
	case []any:
		for i := range value {
			value[i] = integers(value[i])
		}
	}
	return value
}
