// Package collector checks the OpenTelemetry collector's configuration as the
// collector does.
package collector

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/envprovider"
	"go.opentelemetry.io/collector/confmap/provider/fileprovider"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/debugexporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/batchprocessor"
	"go.opentelemetry.io/collector/processor/memorylimiterprocessor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
)

const root = "../.."

// factories are those of the parts we use, all in the collector's core image.
func factories() (f otelcol.Factories, err error) {
	if f.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory()); err != nil {
		return f, err
	}
	if f.Processors, err = otelcol.MakeFactoryMap[processor.Factory](batchprocessor.NewFactory(), memorylimiterprocessor.NewFactory()); err != nil {
		return f, err
	}
	f.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](otlphttpexporter.NewFactory(), debugexporter.NewFactory())
	return f, err
}

// validate is what `otelcol validate` does.
func validate(ctx context.Context, uri string) error {
	collector, err := otelcol.NewCollector(otelcol.CollectorSettings{
		BuildInfo: component.NewDefaultBuildInfo(),
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{ResolverSettings: confmap.ResolverSettings{
			URIs:              []string{uri},
			ProviderFactories: []confmap.ProviderFactory{fileprovider.NewFactory(), envprovider.NewFactory()},
			DefaultScheme:     "env",
		}},
	})
	if err != nil {
		return err
	}
	return collector.DryRun(ctx)
}

func TestCollectorTakesItsConfiguration(t *testing.T) {
	require.NoError(t, validate(t.Context(), root+"/deploy/otel-collector.yaml"))
}

func TestValidationSeesMistakes(t *testing.T) {
	config, err := os.ReadFile(root + "/deploy/otel-collector.yaml")
	require.NoError(t, err)
	for mistake, broken := range map[string][2]string{
		"an unknown setting":      {"check_interval", "chck_interval"},
		"an unknown part":         {"batch", "btch"},
		"a value that is no good": {"check_interval: 1s", "check_interval: 0s"},
	} {
		t.Run(mistake, func(t *testing.T) {
			text := regexp.MustCompile(regexp.QuoteMeta(broken[0])).ReplaceAll(config, []byte(broken[1]))
			require.NotEqual(t, string(config), string(text))
			file := t.TempDir() + "/config.yaml"
			require.NoError(t, os.WriteFile(file, text, 0o600))
			require.Error(t, validate(t.Context(), file))
		})
	}
}

// TestVersionIsTheDeployedOne holds the image of the compose file against the
// module this test is built with.
func TestVersionIsTheDeployedOne(t *testing.T) {
	compose, err := os.ReadFile(root + "/docker-compose.yml")
	require.NoError(t, err)
	image := regexp.MustCompile(`image: otel/opentelemetry-collector:(\S+)`).FindSubmatch(compose)
	require.NotNil(t, image)
	module, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	require.Contains(t, string(module), "go.opentelemetry.io/collector/otelcol v"+string(image[1])+"\n")
}
