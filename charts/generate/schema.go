package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// specSchema returns the schema of spec of the one version of a CRD, in one line of
// JSON: names that it does not know are refused, and nothing is required, because the
// values may leave the AuthorizationServer out.
func specSchema(text []byte) (string, error) {
	var crd struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema struct {
						Properties struct {
							Spec map[string]any `json:"spec"`
						} `json:"properties"`
					} `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return "", err
	}
	if len(crd.Spec.Versions) != 1 {
		return "", fmt.Errorf("the CRD has %d versions", len(crd.Spec.Versions))
	}
	spec := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties.Spec
	strict(spec)
	delete(spec, "required")
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(spec); err != nil {
		return "", err
	}
	return strings.TrimSpace(line.String()), nil
}

// strict makes a JSON schema of the structural schema of a CRD: without what
// only the API server knows, and for the fields that are there alone.
func strict(node any) {
	switch node := node.(type) {
	case []any:
		for _, inner := range node {
			strict(inner)
		}
	case map[string]any:
		if _, isSchema := node["type"].(string); isSchema { // and no property of that name
			for name := range node {
				if strings.HasPrefix(name, "x-kubernetes-") || name == "description" || name == "default" || name == "format" {
					delete(node, name)
				}
			}
		}
		if _, has := node["properties"].(map[string]any); has && node["type"] == "object" && node["additionalProperties"] == nil {
			node["additionalProperties"] = false
		}
		for _, inner := range node {
			strict(inner)
		}
	}
}
