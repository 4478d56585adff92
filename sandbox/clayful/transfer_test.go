package clayful_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

func newShop(t *testing.T, demo bool) *clayful.Server {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), embeddedtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, webhook.Migrate(t.Context(), pool))
	shop, err := clayful.New(t.Context(), pool, clayful.Config{Demo: demo, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return shop
}

func exported(t *testing.T, shop *clayful.Server) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, shop.Export(t.Context(), &text))
	return text.String()
}

func TestAShopsDataGetsInAndOut(t *testing.T) {
	t.Parallel()
	from := exported(t, newShop(t, true))
	var documents map[string][]map[string]any
	require.NoError(t, json.Unmarshal([]byte(from), &documents))
	require.GreaterOrEqual(t, len(documents["products"]), 60)
	require.Len(t, documents["collections"], 6)
	require.NotEmpty(t, documents["customers"][0]["credentials"])
	to := newShop(t, false)
	require.NoError(t, to.Import(t.Context(), strings.NewReader(from)))
	moved := exported(t, to) // with every field of its model, empty or not
	for range 2 {            // again changes nothing
		require.NoError(t, to.Import(t.Context(), strings.NewReader(moved)))
		require.JSONEq(t, moved, exported(t, to))
	}
	var arrived map[string][]map[string]any
	require.NoError(t, json.Unmarshal([]byte(moved), &arrived))
	for model, list := range documents {
		require.Len(t, arrived[model], len(list), model)
		for i, d := range list {
			for key, value := range d {
				require.Equal(t, value, arrived[model][i][key], "%s %s", model, key)
			}
		}
	}
}

func TestWhatIsWrongIsNamedAndNotTakenOver(t *testing.T) {
	t.Parallel()
	shop := newShop(t, true)
	before := exported(t, shop)
	good := `{"_id":"GOOD22222222","name":{"ko":"좋은 상품"},"price":{"original":1000}}`
	for name, c := range map[string]struct{ text, says string }{
		"no JSON":        {`{"products":`, "read shop"},
		"another model":  {`{"orders":[]}`, `"orders"`},
		"no id":          {`{"products":[` + good + `,{"name":{"ko":"x"}}]}`, "products, number 2"},
		"a wrong price":  {`{"products":[` + good + `,{"_id":"BAD222222222","name":{"ko":"x"},"price":{"original":-1}}]}`, "BAD222222222"},
		"no such brand":  {`{"products":[{"_id":"BAD222222222","name":{"ko":"x"},"price":{"original":1},"brand":"NXNE22222222"}]}`, "not-existing-brand-relation"},
		"a taken mail":   {`{"customers":[{"_id":"BAD222222222","userId":"x","email":"demo@byeolshow.example","groups":[]}]}`, "duplicated-email"},
		"no such group":  {`{"customers":[{"_id":"BAD222222222","userId":"x","groups":["NXNE22222222"]}]}`, "not-existing-group-relation"},
		"other language": {`{"products":[{"_id":"BAD222222222","name":{"fr":"x"},"price":{"original":1}}]}`, "not-supported-language"},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, shop.Import(t.Context(), strings.NewReader(c.text)), c.says)
			require.JSONEq(t, before, exported(t, shop))
		})
	}
	require.NoError(t, shop.Import(t.Context(), strings.NewReader(`{"products":[`+good+`]}`)))
	require.Contains(t, exported(t, shop), "GOOD22222222")
	social := `{"customers":[{"_id":"SXCAL2222222","groups":[],"credentials":{"social":"kakao/1"}}]}`
	require.NoError(t, shop.Import(t.Context(), strings.NewReader(social)), "known by a vendor, without mail")
	require.Contains(t, exported(t, shop), "kakao/1")
}
