{{/* What every object of a release is named after: the release, the chart where it says as much. */}}
{{- define "fleetgate.name" -}}
{{- if contains "fleetgate" .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-fleetgate" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What tells this release's Pods from others. */}}
{{- define "fleetgate.selector" -}}
app.kubernetes.io/name: fleetgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "fleetgate.labels" -}}
{{ include "fleetgate.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{- define "fleetgate.subjects" -}}
- kind: ServiceAccount
  name: {{ include "fleetgate.name" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
