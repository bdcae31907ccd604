{{- /*
The reference of the API: for each kind its spec and its status, and for each object in
these a table of its own, in the order in which they stand in the types.
*/ -}}
{{- define "gvList" -}}
# API reference

<!-- Written by `make generate` from the types in api/v1alpha1, by the templates in hack/reference. -->

Every field of every kind: its type, whether it has to be there, its default, and what the API server
refuses. `kubectl explain` says the same. What the fields are for, with examples, the conditions and their
reasons, is on the pages of the kinds:

| kind | | explained in |
|---|---|---|
{{- range . }}{{ range .SortedKinds }}
| [{{ . }}](#{{ lower . }}) | {{ if eq . "OAuthClient" "OAuthGrant" }}in a namespace{{ else }}of the cluster{{ end }} | [spec/{{ lower . }}.md](../spec/{{ lower . }}.md) |
{{- end }}{{ end }}
{{- range . }}
{{- $gv := . }}

All of them are of `apiVersion: {{ $gv.GroupVersionString }}`. A duration is of hours, minutes and seconds, such
as `90s`, `10m` or `1h30m`; a time is as in RFC 3339.
{{- range $gv.SortedKinds }}
{{- $kind := $gv.TypeForKind . }}

## {{ $kind.Name }}

{{ $kind.Doc | replace "<" "&lt;" }}

Explained in [spec/{{ lower $kind.Name }}.md](../spec/{{ lower $kind.Name }}.md).
{{- template "rules" (index $kind.Markers "kubebuilder:validation:XValidation") }}
{{- range $kind.Members }}
{{- if ne .Name "metadata" }}
{{- template "object" dict "path" (printf "%s.%s" $kind.Name .Name) "type" .Type "markers" .Markers }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{ end -}}

{{- /* An object: what is said of it, its rules and those of the field that it is in, its fields, and the objects in it. */ -}}
{{- define "object" -}}
{{- $path := .path }}

### {{ $path }}

{{ .type.Doc | replace "<" "&lt;" }}
{{- $_ := set . "rules" (index .type.Markers "kubebuilder:validation:XValidation") }}
{{- range index (.markers | default .type.Markers) "kubebuilder:validation:XValidation" }}{{ if not (has . $.rules) }}{{ $_ := set $ "rules" (prepend ($.rules | default list) .) }}{{ end }}{{ end }}
{{- template "rules" .rules }}

| field | type | | |
|---|---|---|---|
{{- range .type.Members }}
{{- $below := dict "type" .Type "suffix" "" }}
{{- template "inside" $below }}
| `{{ .Name }}` | {{ if $below.found }}[{{ template "type" .Type }}](#{{ printf "%s.%s" $path .Name | lower | replace "." "" | replace "[]" "" }}){{ else }}{{ template "type" .Type }}{{ end }} | {{ template "presence" . }} | {{ template "cell" .Doc }}{{ template "bounds" . }} |
{{- end }}
{{- range .type.Members }}
{{- $below := dict "type" .Type "suffix" "" }}
{{- template "inside" $below }}
{{- if $below.found }}
{{- template "object" dict "path" (printf "%s.%s%s" $path .Name $below.suffix) "type" $below.found "markers" (ternary .Type.Markers .Markers (eq $below.suffix "[]")) }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Looks for an object of ours in a type: found, and in suffix how to come to it. */ -}}
{{- define "inside" -}}
{{- $kind := .type.Kind | toJson | trimAll "\"" }}
{{- if hasPrefix "oauth-operator.dev/" .type.Package | and (eq $kind "STRUCT") }}
{{- $_ := set . "found" .type }}
{{- else if eq $kind "SLICE" }}
{{- $_ := set . "suffix" "[]" }}
{{- $_ := set . "type" .type.UnderlyingType }}
{{- template "inside" . }}
{{- else if eq $kind "POINTER" }}
{{- $_ := set . "type" .type.UnderlyingType }}
{{- template "inside" . }}
{{- end }}
{{- end -}}

{{- define "type" -}}
{{- $kind := .Kind | toJson | trimAll "\"" }}
{{- if eq $kind "SLICE" }}list of {{ template "type" .UnderlyingType }}
{{- else if eq $kind "MAP" }}map of {{ template "type" .ValueType }}
{{- else if eq $kind "POINTER" "ALIAS" }}{{ template "type" .UnderlyingType }}
{{- else if eq .Name "bool" }}boolean
{{- else if hasPrefix "int" .Name }}integer
{{- else if eq .Name "Duration" "Time" "MicroTime" "string" }}{{ trimPrefix "micro" (lower .Name) }}
{{- else if eq .Name "Condition" }}condition
{{- else if eq .Name "LabelSelector" }}label selector
{{- else }}object
{{- end }}
{{- end -}}

{{- define "presence" -}}
{{- if not (or (index .Markers "optional") (index .Markers "kubebuilder:validation:Optional")) }}required
{{- else if .Default }}default: `{{ .Default | replace " " "" | replace "{" "" | replace "}" "" }}`
{{- end }}
{{- end -}}

{{- /* What the API server refuses beyond the type, in the words that it says. */ -}}
{{- define "bounds" -}}
{{- $seen := dict }}
{{- $list := eq (.Type.Kind | toJson) "\"SLICE\"" }}
{{- range .Validation }}{{ if not (and $list (hasPrefix "Enum:" .)) }}{{ template "bound" dict "text" . "seen" $seen "each" "" }}{{ end }}{{ end }}
{{- with .Type.UnderlyingType }}{{ if $list }}
{{- range .Validation }}{{ template "bound" dict "text" . "seen" $seen "each" "each " }}{{ end }}
{{- end }}{{ end }}
{{- with .Type.ValueType }}{{ range .Validation }}{{ template "bound" dict "text" . "seen" $seen "each" "each " }}{{ end }}{{ end }}
{{- $below := dict "type" .Type "suffix" "" }}
{{- template "inside" $below }}
{{- if not (and $below.found (not $below.suffix)) }}{{ range index .Markers "kubebuilder:validation:XValidation" }}<br>{{ template "cell" (trimSuffix "." .Message) }}.{{ end }}{{ end }}
{{- range index .Markers "kubebuilder:validation:items:XValidation" }}<br>{{ template "cell" (trimSuffix "." .Message) }}.{{ end }}
{{- end -}}

{{- define "bound" -}}
{{- $name := regexFind "^[A-Za-z:]+" .text | trimSuffix ":" }}
{{- $value := trimPrefix (printf "%s: " $name) .text }}
{{- $each := ternary "each " .each (hasPrefix "items:" $name) }}
{{- $name = trimPrefix "items:" $name }}
{{- $words := "" }}
{{- if eq $name "MaxLength" }}{{ $words = printf "at most %s characters" $value }}
{{- else if eq $name "MinLength" }}{{ $words = ternary "not empty" (printf "at least %s characters" $value) (eq $value "1") }}
{{- else if eq $name "MaxItems" "MaxProperties" }}{{ $words = printf "at most %s" $value }}
{{- else if eq $name "MinItems" "MinProperties" }}{{ $words = printf "at least %s" $value }}
{{- else if eq $name "Minimum" }}{{ $words = printf "at least %s" $value }}
{{- else if eq $name "Maximum" }}{{ $words = printf "at most %s" $value }}
{{- else if eq $name "Enum" }}{{ $words = printf "one of `%s`" ($value | trimAll "[]" | replace " " "`, `") }}
{{- else if eq $name "Pattern" }}{{ $words = printf "of the form `%s`" ($value | trimAll "`" | replace "|" "\\|") }}
{{- else if eq $name "Format" }}{{ $words = printf "a %s" $value }}
{{- else if not (eq $name "Optional" "Required" "Type" "XValidation") }}{{ fail (printf "hack/reference has no words for %s" .text) }}
{{- end }}
{{- if and $words (not (hasKey .seen (print $each $words))) }}{{ $_ := set .seen (print $each $words) true }}<br>*{{ $each }}{{ $words }}*{{ end }}
{{- end -}}

{{- /* Rules of a whole object. */ -}}
{{- define "rules" -}}
{{- with . }}

Rules:
{{ range . }}
- {{ .Message }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Text in a cell of a table. */ -}}
{{- define "cell" -}}
{{- . | replace "<" "&lt;" | replace "\n\n" "<br>" | replace "\n" " " | replace "|" "\\|" | replace "[" "\\[" -}}
{{- end -}}
