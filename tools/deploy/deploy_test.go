// Package deploy checks what byeolshow is deployed with, as the programs that
// read it would: the compose file, and the Kubernetes manifests.
package deploy

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kubectl-validate/pkg/openapiclient"
	"sigs.k8s.io/kubectl-validate/pkg/validator"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const root = "../.."

func compose(t *testing.T, profiles ...string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"},
		cli.WithEnvFiles(root+"/deploy/example.env"), cli.WithDotEnv, cli.WithProfiles(profiles), cli.WithInterpolation(true))
	require.NoError(t, err)
	project, err := options.LoadProject(context.Background())
	require.NoError(t, err)
	return project
}

func TestComposeFile(t *testing.T) {
	always := []string{"api", "codec", "migrate", "nats", "otel-collector", "postgres", "prometheus", "temporal", "temporal-setup", "temporal-ui", "worker"}
	for name, test := range map[string]struct {
		project *types.Project
		names   []string
	}{
		"without the sandbox": {compose(t), always},
		"with the sandbox":    {compose(t, "sandbox"), append(slices.Clone(always), "sandbox")},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, test.names, test.project.ServiceNames())
			for _, service := range test.project.Services {
				require.Regexp(t, regexp.MustCompile(`:[^:]+$`), service.Image, "%s has no version", service.Name)
				require.NotContains(t, service.Image, ":latest")
				for _, port := range service.Ports {
					require.Equal(t, "127.0.0.1", port.HostIP, "%s is open to everybody", service.Name)
				}
				if strings.HasPrefix(service.Image, "byeolshow/") {
					require.True(t, service.ReadOnly, service.Name)
					require.Equal(t, []string{"ALL"}, service.CapDrop, service.Name)
				}
				for _, volume := range service.Volumes {
					if volume.Type == types.VolumeTypeBind {
						_, err := os.Stat(volume.Source)
						require.NoError(t, err)
					}
				}
			}
		})
	}
}

// TestComposeFileNeedsItsSecrets takes one after another away.
func TestComposeFileNeedsItsSecrets(t *testing.T) {
	example, err := os.ReadFile(root + "/deploy/example.env")
	require.NoError(t, err)
	var secrets []string
	for line := range strings.Lines(string(example)) {
		if name, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			secrets = append(secrets, name)
		}
	}
	require.NotEmpty(t, secrets)
	for _, secret := range secrets {
		var rest strings.Builder
		for line := range strings.Lines(string(example)) {
			if !strings.HasPrefix(line, secret+"=") {
				rest.WriteString(line)
			}
		}
		file := filepath.Join(t.TempDir(), "env")
		require.NoError(t, os.WriteFile(file, []byte(rest.String()), 0o600))
		options, err := cli.NewProjectOptions([]string{root + "/docker-compose.yml"}, cli.WithEnvFiles(file), cli.WithDotEnv)
		require.NoError(t, err)
		_, err = options.LoadProject(context.Background())
		require.ErrorContains(t, err, secret)
	}
}

// manifests are what kubectl apply -k would apply, and the example of the
// secret they need.
func manifests(t *testing.T) [][]byte {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), root+"/deploy/kubernetes")
	require.NoError(t, err)
	var all [][]byte
	for _, resource := range built.Resources() {
		text, err := resource.AsYAML()
		require.NoError(t, err)
		all = append(all, text)
	}
	secret, err := os.ReadFile(root + "/deploy/kubernetes/secret.example.yaml")
	require.NoError(t, err)
	return append(all, secret)
}

// TestManifestsFitTheSchemas validates as an API server of that version does.
func TestManifestsFitTheSchemas(t *testing.T) {
	schemas, err := validator.New(openapiclient.NewHardcodedBuiltins("1.30"))
	require.NoError(t, err)
	for _, text := range manifests(t) {
		_, object, err := schemas.Parse(text)
		require.NoError(t, err, string(text))
		require.NoError(t, schemas.Validate(object), string(text))
	}
	_, broken, err := schemas.Parse([]byte("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{prot: 80}]}"))
	require.Error(t, err, "%v", broken)
}

// TestPods holds every pod against Kubernetes' own restricted standard, and
// what selects it against its labels.
func TestPods(t *testing.T) {
	standards, err := policy.NewEvaluator(policy.DefaultChecks())
	require.NoError(t, err)
	pods := map[string]corev1.PodTemplateSpec{}
	selectors := map[string]labels.Set{}
	config := map[string]bool{}
	counted, scaled := map[string]bool{}, map[string]bool{} // replicas are said, or left to an autoscaler
	for _, text := range manifests(t) {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
			Spec     struct {
				Selector json.RawMessage
			}
			Data, StringData map[string]string
		}
		require.NoError(t, yaml.Unmarshal(text, &head))
		switch head.Kind {
		case "Deployment":
			var d appsv1.Deployment
			require.NoError(t, yaml.UnmarshalStrict(text, &d))
			counted[d.Name] = d.Spec.Replicas != nil
			pods[d.Name], selectors["Deployment "+d.Name] = d.Spec.Template, d.Spec.Selector.MatchLabels
		case "Job":
			var j batchv1.Job
			require.NoError(t, yaml.UnmarshalStrict(text, &j))
			pods[j.Name] = j.Spec.Template
		case "Service":
			var s corev1.Service
			require.NoError(t, yaml.UnmarshalStrict(text, &s))
			selectors["Service "+s.Name] = s.Spec.Selector
		case "PodDisruptionBudget":
			var selector struct{ MatchLabels map[string]string }
			require.NoError(t, json.Unmarshal(head.Spec.Selector, &selector))
			selectors["PodDisruptionBudget "+head.Metadata.Name] = selector.MatchLabels
		case "HorizontalPodAutoscaler":
			scaled[head.Metadata.Name] = true
		case "ConfigMap", "Secret":
			for name := range head.Data {
				config[name] = true
			}
			for name := range head.StringData {
				config[name] = true
			}
		}
	}
	for name := range counted {
		require.NotEqual(t, scaled[name], counted[name], "either %s or its autoscaler says how many", name)
	}
	require.Len(t, pods, 4)
	for name, pod := range pods {
		for _, verdict := range standards.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &pod.ObjectMeta, &pod.Spec) {
			require.True(t, verdict.Allowed, "%s: %s %s", name, verdict.ForbiddenReason, verdict.ForbiddenDetail)
		}
		for _, container := range pod.Spec.Containers {
			require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem, name)
			require.Regexp(t, `^byeolshow/byeolshow:\d`, container.Image)
		}
	}
	require.Len(t, selectors, 10)
	for what, selector := range selectors {
		_, name, _ := strings.Cut(strings.TrimSuffix(what, "-metrics"), " ")
		for pod, template := range pods {
			require.Equal(t, pod == name, labels.SelectorFromSet(selector).Matches(labels.Set(template.Labels)), "%s and the pods of %s", what, pod)
		}
	}
	for _, service := range []string{"api", "worker", "codec"} {
		for name, value := range compose(t).Services[service].Environment {
			if value != nil && *value == "change-me" {
				require.True(t, config[name], "%s is in no ConfigMap or Secret", name)
			}
		}
	}
}
