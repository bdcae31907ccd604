{{/*
What the Pods of the controller and the server have in common. Each takes a list
of the root context and the component.
*/}}

{{/* Metadata of the Pods. */}}
{{- define "oauth-operator.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
labels:
  {{- include "oauth-operator.componentLabels" . | nindent 2 }}
  {{- with $values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ index . 1 }}
  {{- with $values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Spec of the Pods, without containers: Pod Security "restricted". */}}
{{- define "oauth-operator.podSpec" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
serviceAccountName: {{ include "oauth-operator.serviceAccountName" . }}
automountServiceAccountToken: true
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
affinity:
  {{- with $values.affinity }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  # Not as a topologySpreadConstraint: where nodes have no zone, it would keep those for
  # nodes from having any effect.
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels:
              {{- include "oauth-operator.selectorLabels" $ | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- if $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range $values.topologySpreadConstraints }}
  - {{- toYaml . | nindent 4 }}
    labelSelector:
      matchLabels:
        {{- include "oauth-operator.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The container, without what is the component's own. */}}
{{- define "oauth-operator.container" -}}
{{- $root := index . 0 -}}
{{- $values := index $root.Values (index . 1) -}}
name: {{ index . 1 }}
image: {{ include "oauth-operator.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
env:
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
startupProbe:
  httpGet:
    path: /healthz
    port: probes
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet:
    path: /healthz
    port: probes
  periodSeconds: 10
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: probes
  periodSeconds: 2
  failureThreshold: 3
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Arguments that both subcommands have. */}}
{{- define "oauth-operator.commonArgs" -}}
- --metrics-bind-address=:9090
- --health-probe-bind-address=:8081
- --v={{ .Values.log.level }}
- --log-format={{ .Values.log.format }}
- --kube-api-qps={{ .Values.kubeAPI.qps }}
- --kube-api-burst={{ .Values.kubeAPI.burst }}
{{- with .Values.namespaces }}
- --namespaces={{ join "," . }}
{{- end }}
{{- end -}}
