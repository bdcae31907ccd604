{{/* Names and labels. */}}

{{- define "oauth-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/*
The full name leaves room for the longest suffix, so that every name that is
made from it is at most 63 characters long.
*/}}
{{- define "oauth-operator.fullname" -}}
{{- $name := include "oauth-operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "oauth-operator.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "oauth-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: oauth-operator
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
What follows takes a list of the root context and the component, which is
"controller" or "server".
*/}}

{{- define "oauth-operator.componentName" -}}
{{- $root := index . 0 -}}
{{- printf "%s-%s" (include "oauth-operator.fullname" $root) (index . 1) -}}
{{- end -}}

{{- define "oauth-operator.componentLabels" -}}
{{- include "oauth-operator.labels" (index . 0) }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels that select the Pods of a component. They never change. */}}
{{- define "oauth-operator.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "oauth-operator.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "oauth-operator.serviceAccountName" -}}
{{- $root := index . 0 -}}
{{- $account := (index $root.Values (index . 1)).serviceAccount -}}
{{- if $account.name -}}
{{- $account.name -}}
{{- else if $account.create -}}
{{- include "oauth-operator.componentName" . -}}
{{- else -}}
{{- fail (printf "%s.serviceAccount.name is needed with %s.serviceAccount.create=false: the account that is there already" (index . 1) (index . 1)) -}}
{{- end -}}
{{- end -}}

{{- define "oauth-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "oauth-operator.servicePort" -}}
{{- if .Values.server.service.port -}}
{{- .Values.server.service.port -}}
{{- else -}}
{{- ternary 443 80 (ne (include "oauth-operator.tlsSecret" .) "") -}}
{{- end -}}
{{- end -}}

{{/* The AuthorizationServer of the values. */}}
{{- define "oauth-operator.authorizationServer" -}}
{{- with .Values.authorizationServer -}}
{{- if not .spec.issuer -}}
{{- fail "authorizationServer.spec.issuer is needed with authorizationServer.create: the URL at which people and clients reach the server" -}}
{{- end -}}
apiVersion: oauth-operator.dev/v1alpha1
kind: AuthorizationServer
metadata:
  name: {{ .name }}
  {{- if .default }}
  annotations:
    oauth-operator.dev/is-default-authorization-server: "true"
  {{- end }}
  {{- with $.Values.commonLabels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- toYaml .spec | nindent 2 }}
{{- end -}}
{{- end -}}

{{/*
The hosts under which the server is reached: those of the Ingress, of the HTTPRoute
and of the issuer, as a JSON array.
*/}}
{{- define "oauth-operator.hosts" -}}
{{- $hosts := concat .Values.server.ingress.hosts .Values.server.httpRoute.hostnames -}}
{{- with .Values.authorizationServer.spec.issuer -}}
{{- $hosts = append $hosts (regexReplaceAll ":[0-9]+$" (urlParse .).host "") -}}
{{- end -}}
{{- $hosts | uniq | toJson -}}
{{- end -}}

{{/* The Secret that the server takes its certificate from, or nothing for plain HTTP. */}}
{{- define "oauth-operator.tlsSecret" -}}
{{- with .Values.server.tls -}}
{{- if .secretName -}}
{{- .secretName -}}
{{- else if .certManager.enabled -}}
{{- include "oauth-operator.componentName" (list $ "server") }}-tls
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The name of the port that the server serves at. */}}
{{- define "oauth-operator.portName" -}}
{{- ternary "https" "http" (ne (include "oauth-operator.tlsSecret" .) "") -}}
{{- end -}}

{{/* How many replicas of the server there are at least. */}}
{{- define "oauth-operator.leastReplicas" -}}
{{- with .Values.server -}}
{{- ternary .autoscaling.minReplicas .replicas .autoscaling.enabled -}}
{{- end -}}
{{- end -}}

{{/* How many replicas of the server there are at most. */}}
{{- define "oauth-operator.mostReplicas" -}}
{{- with .Values.server -}}
{{- ternary .autoscaling.maxReplicas .replicas .autoscaling.enabled -}}
{{- end -}}
{{- end -}}

{{/* A rule that lets out to networks at ports, given as a list of both. No network: any. */}}
{{- define "oauth-operator.egress" -}}
- ports:
    {{- range index . 1 }}
    - port: {{ . }}
    {{- end }}
  {{- with index . 0 }}
  to:
    {{- range . }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
  {{- end }}
{{- end -}}
