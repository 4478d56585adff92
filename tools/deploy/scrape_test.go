package deploy

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// scraped are the names that Prometheus looks up, and the ports it asks there.
func scraped(t *testing.T) map[string]int32 {
	t.Helper()
	var config struct {
		Scrapes []struct {
			Found []struct {
				Names []string `json:"names"`
				Port  int32    `json:"port"`
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}
	text, err := os.ReadFile(root + "/deploy/prometheus/prometheus.yml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, &config))
	ports := map[string]int32{}
	for _, scrape := range config.Scrapes {
		for _, found := range scrape.Found {
			for _, name := range found.Names {
				ports[name] = found.Port
			}
		}
	}
	require.Len(t, ports, 2)
	return ports
}

// requireServed holds a process's settings against the address where it is to
// serve its metrics.
func requireServed(t *testing.T, name string, port int32, setting func(string) string) {
	t.Helper()
	require.Equal(t, "prometheus", setting("OTEL_METRICS_EXPORTER"), name)
	require.Equal(t, "0.0.0.0", setting("OTEL_EXPORTER_PROMETHEUS_HOST"), name)
	own := setting("OTEL_EXPORTER_PROMETHEUS_PORT")
	if own == "" {
		own = "9464" // OpenTelemetry's own
	}
	require.Equal(t, strconv.Itoa(int(port)), own, name)
}

func TestComposeServesWhatIsScraped(t *testing.T) {
	project := compose(t)
	for name, port := range scraped(t) {
		found := false
		for _, service := range project.Services {
			answers := service.Name == name
			for _, network := range service.Networks {
				answers = answers || network != nil && slices.Contains(network.Aliases, name)
			}
			if answers {
				found = true
				requireServed(t, name, port, func(setting string) string {
					if value := service.Environment[setting]; value != nil {
						return *value
					}
					return ""
				})
			}
		}
		require.True(t, found, "%s is no service", name)
	}
}

func TestPodsServeWhatIsScraped(t *testing.T) {
	var config corev1.ConfigMap
	services := map[string]corev1.Service{}
	var deployments []appsv1.Deployment
	for _, text := range manifests(t) {
		var head struct{ Kind string }
		require.NoError(t, yaml.Unmarshal(text, &head))
		switch head.Kind {
		case "ConfigMap":
			require.NoError(t, yaml.UnmarshalStrict(text, &config))
		case "Service":
			var s corev1.Service
			require.NoError(t, yaml.UnmarshalStrict(text, &s))
			services[s.Name] = s
		case "Deployment":
			var d appsv1.Deployment
			require.NoError(t, yaml.UnmarshalStrict(text, &d))
			deployments = append(deployments, d)
		}
	}
	for name, port := range scraped(t) {
		service, found := services[name]
		require.True(t, found, "%s is no Service", name)
		require.Equal(t, corev1.ClusterIPNone, service.Spec.ClusterIP, "one address of %s would hide all processes but one", name)
		served := false
		for _, d := range deployments {
			if !labels.SelectorFromSet(service.Spec.Selector).Matches(labels.Set(d.Spec.Template.Labels)) {
				continue
			}
			for _, container := range d.Spec.Template.Spec.Containers {
				require.Equal(t, config.Name, container.EnvFrom[0].ConfigMapRef.Name, name)
				for _, offered := range container.Ports {
					for _, of := range service.Spec.Ports {
						served = served || of.Port == port && of.TargetPort.String() == offered.Name && offered.ContainerPort == port
					}
				}
			}
		}
		require.True(t, served, "no pod of %s offers %d", name, port)
		requireServed(t, name, port, func(setting string) string { return config.Data[setting] })
	}
}
