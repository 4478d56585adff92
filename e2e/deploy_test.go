package e2e

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metricsql"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// inventory are the metrics there are, each with its labels.
type inventory map[string]map[string]bool

// take adds what a page of metrics tells.
func (i inventory) take(t *testing.T, page []byte) {
	t.Helper()
	reader := expfmt.NewTextParser(model.UTF8Validation)
	families, err := reader.TextToMetricFamilies(strings.NewReader(string(page)))
	require.NoError(t, err)
	for name, family := range families {
		names := []string{name}
		if family.GetType() == dto.MetricType_HISTOGRAM {
			names = []string{name + "_bucket", name + "_count", name + "_sum"}
		}
		for _, name := range names {
			if i[name] == nil {
				i[name] = map[string]bool{"job": true, "instance": true, "le": strings.HasSuffix(name, "_bucket")}
			}
			for _, metric := range family.GetMetric() {
				for _, label := range metric.GetLabel() {
					i[name][label.GetName()] = true
				}
			}
		}
	}
}

// lacks is what a query asks for that there is not.
func (i inventory) lacks(t *testing.T, query string) []string {
	t.Helper()
	expression, err := metricsql.Parse(strings.ReplaceAll(query, "$__rate_interval", "5m"))
	require.NoError(t, err, query)
	var missing []string
	need := func(metric, label string) {
		switch {
		case metric == "up": // Prometheus's own
		case i[metric] == nil:
			missing = append(missing, metric)
		case label != "" && !i[metric][label]:
			missing = append(missing, metric+"{"+label+"}")
		}
	}
	each := func(below metricsql.Expr, do func(metric string, filters []metricsql.LabelFilter)) {
		metricsql.VisitAll(below, func(e metricsql.Expr) {
			if selector, ok := e.(*metricsql.MetricExpr); ok {
				for _, filters := range selector.LabelFilterss {
					do(filters[0].Value, filters[1:])
				}
			}
		})
	}
	each(expression, func(metric string, filters []metricsql.LabelFilter) {
		need(metric, "")
		for _, filter := range filters {
			need(metric, filter.Label)
		}
	})
	metricsql.VisitAll(expression, func(e metricsql.Expr) {
		if aggregate, ok := e.(*metricsql.AggrFuncExpr); ok {
			each(aggregate, func(metric string, _ []metricsql.LabelFilter) {
				for _, label := range aggregate.Modifier.Args {
					need(metric, label)
				}
			})
		}
	})
	return missing
}

// TestQueriesAreLookedThrough shows that what is not there would be found.
func TestQueriesAreLookedThrough(t *testing.T) {
	t.Parallel()
	there := inventory{}
	there.take(t, []byte("# TYPE calls counter\ncalls{vendor=\"mux\"} 1\n# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"+Inf\"} 1\ntook_seconds_sum 1\ntook_seconds_count 1\n"))
	for query, missing := range map[string][]string{
		`sum by (vendor) (rate(calls{vendor="x"}[$__rate_interval]))`:               nil,
		`histogram_quantile(0.99, sum by (le) (rate(took_seconds_bucket[5m]))) > 2`: nil,
		`up{job="x"} == 0`:                                 nil,
		`max(cals) or vector(0)`:                           {"cals"},
		`calls{route="x"} / calls`:                         {"calls{route}"},
		`sum by (route) (rate(calls[5m])) > 1`:             {"calls{route}"},
		`sum by (le) (rate(took_seconds_count[5m]))`:       {"took_seconds_count{le}"},
		`absent(nothing) or sum by (x) (took_seconds_sum)`: {"nothing", "took_seconds_sum{x}"},
	} {
		require.Equal(t, missing, there.lacks(t, query), query)
	}
}

// dashboardQueries are what the dashboard asks, by the panel's title.
func dashboardQueries(t *testing.T) map[string][]string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Type    string `json:"type"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	require.NoError(t, json.Unmarshal([]byte(readFile(t, "..", "deploy", "grafana", "byeolshow.json")), &dashboard))
	queries := map[string][]string{}
	for _, panel := range dashboard.Panels {
		if panel.Type == "row" {
			continue
		}
		require.NotEmpty(t, panel.Targets, panel.Title)
		for _, target := range panel.Targets {
			queries[panel.Title] = append(queries[panel.Title], target.Expr)
		}
	}
	require.Greater(t, len(queries), 10)
	return queries
}

// alert is a rule of Prometheus that rings.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string  `yaml:"name"`
			Rules []alert `yaml:"rules"`
		} `yaml:"groups"`
	}
	decodeStrictly(t, &file, "prometheus", "rules.yml")
	require.Len(t, file.Groups, 1)
	return file.Groups[0].Rules
}

// decodeStrictly reads a file of deploy/, in which nothing else may stand.
func decodeStrictly(t *testing.T, into any, path ...string) {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(readFile(t, append([]string{"..", "deploy"}, path...)...)))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(into), path)
}

func TestAlertsSayWhatToDo(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, a := range alerts(t) {
		require.False(t, names[a.Alert], a.Alert)
		names[a.Alert] = true
		require.Contains(t, []string{"warning", "critical"}, a.Labels["severity"], a.Alert)
		require.NotEmpty(t, a.Annotations["summary"], a.Alert)
		require.NotEmpty(t, a.Annotations["description"], a.Alert)
		if a.For != "" {
			_, err := model.ParseDuration(a.For)
			require.NoError(t, err, a.Alert)
		}
	}
	require.Greater(t, len(names), 5)
}

func TestScrapesReadTheRules(t *testing.T) {
	t.Parallel()
	var config struct {
		Global  map[string]string `yaml:"global"`
		Rules   []string          `yaml:"rule_files"`
		Scrapes []struct {
			Job   string `yaml:"job_name"`
			Found []struct {
				Names []string `yaml:"names"`
				Type  string   `yaml:"type"`
				Port  int      `yaml:"port"`
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	decodeStrictly(t, &config, "prometheus", "prometheus.yml")
	require.Equal(t, []string{"rules.yml"}, config.Rules)
	for _, scrape := range config.Scrapes {
		require.Regexp(t, "^byeolshow-(api|worker)$", scrape.Job, "the alerts know the jobs by these names")
		require.Len(t, scrape.Found, 1)
		require.Equal(t, 9464, scrape.Found[0].Port, "the exporter's own port")
	}
}

func TestCollectorsPipelinesAreWhole(t *testing.T) {
	t.Parallel()
	type parts map[string]any
	var config struct {
		Receivers, Processors, Exporters parts
		Service                          struct {
			Pipelines map[string]struct{ Receivers, Processors, Exporters []string }
		}
	}
	decodeStrictly(t, &config, "otel-collector.yaml")
	require.ElementsMatch(t, []string{"traces", "logs"}, slices.Collect(maps.Keys(config.Service.Pipelines)))
	used := map[string]bool{}
	for name, pipeline := range config.Service.Pipelines {
		for _, stage := range []struct {
			names []string
			of    parts
		}{{pipeline.Receivers, config.Receivers}, {pipeline.Processors, config.Processors}, {pipeline.Exporters, config.Exporters}} {
			require.NotEmpty(t, stage.names, name)
			for _, part := range stage.names {
				require.Contains(t, stage.of, part, name)
				used[part] = true
			}
		}
	}
	require.Len(t, used, len(config.Receivers)+len(config.Processors)+len(config.Exporters), "nothing stands there in vain")
}

// documented are the metrics of the table in docs/telemetry.md.
func documented(t *testing.T) []string {
	t.Helper()
	var names []string
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
	for _, match := range row.FindAllStringSubmatch(readFile(t, "..", "docs", "telemetry.md"), -1) {
		names = append(names, match[1])
	}
	require.Greater(t, len(names), 8)
	return names
}

// requireMetrics waits until every metric that the dashboard, the alerts and
// the documentation name is told by the system, with the labels they use.
func (s observed) requireMetrics(t *testing.T) {
	t.Helper()
	var missing map[string][]string
	require.Eventually(t, func() bool {
		there := inventory{}
		for _, address := range s.metrics {
			there.take(t, call(t, "GET", "http://"+address+"/metrics", "", nil).body)
		}
		missing = map[string][]string{}
		look := func(where, query string) {
			if lacks := there.lacks(t, query); lacks != nil {
				missing[where] = lacks
			}
		}
		for title, queries := range dashboardQueries(t) {
			for _, query := range queries {
				look(title, query)
			}
		}
		for _, a := range alerts(t) {
			look(a.Alert, a.Expr)
		}
		for _, name := range documented(t) {
			if there[name] == nil && there[name+"_bucket"] == nil {
				missing["documentation"] = append(missing["documentation"], name)
			}
		}
		return len(missing) == 0
	}, 40*time.Second, time.Second, "%v", &missing)
}
