use super::{Values, lines};

const TEMPLATE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels:
    name: x
spec:
  replicas: {{ .Values.replicas }}
  template:
    spec:
      securityContext:
        {{- toYaml .Values.podSecurityContext | nindent 8 }}
      containers:
        - name: {{ .Chart.Name }}
          image: \"{{ .Values.image.repository }}:{{ .Values.image.tag }}\"
          imagePullPolicy: {{ .Values.image.pullPolicy }}
          {{- if .Values.resources }}
          resources: {{ toYaml .Values.resources | nindent 12 }}
          {{- end }}
";
const VALUES: &str = "\
replicas: 1
image:
  repository: nginx
  pullPolicy: Always
podSecurityContext:
  runAsUser: 0
  seccompProfile: {type: Unconfined}
";
const RENDERED: &str = "\
# Source: app/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
  labels:
    name: x
spec:
  replicas: 1
  template:
    spec:
      securityContext:
        runAsUser: 0
        seccompProfile:
          type: Unconfined
      containers:
        - name: app
          image: \"nginx:1\"
          imagePullPolicy: Always
          args:
          - x
";

#[test]
fn a_rendered_line_is_traced_to_template_and_value() {
    let lines = lines(RENDERED, TEMPLATE, &Values { path: "values.yaml", text: VALUES });
    let told = |text: &str| {
        let at = RENDERED.lines().position(|line| line.trim() == text).unwrap();
        lines[at].as_ref().map(|line| (line.line, line.value.as_deref().unwrap_or("-").to_owned()))
    };
    let some = |line: u32, value: &str| Some((line, value.to_owned()));
    assert_eq!(told("replicas: 1"), some(8, "replicas (values.yaml:1)"));
    assert_eq!(told("imagePullPolicy: Always"), some(16, "image.pullPolicy (values.yaml:4)"));
    // Two values make the image: neither is it.
    assert_eq!(told("image: \"nginx:1\""), some(15, "-"));
    assert_eq!(told("runAsUser: 0"), some(11, "podSecurityContext.runAsUser (values.yaml:6)"));
    assert_eq!(
        told("type: Unconfined"),
        some(11, "podSecurityContext.seccompProfile.type (values.yaml:7)")
    );
    // `name` stands three times, each under its own parents.
    assert_eq!(told("name: app"), some(4, "-"));
    assert_eq!(told("name: x"), some(6, "-"));
    assert_eq!(told("- name: app"), some(14, "-"));
    // Nothing in the template writes it.
    assert_eq!(told("args:"), None);
}
