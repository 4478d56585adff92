package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/store"
)

// routed is a request as the router hands it on.
func routed(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, chi.NewRouteContext()))
}

// shelf is a shop made of answers by path, and the API over it.
type shelf struct {
	*clock

	api    http.Handler
	config Config
	pool   *pgxpool.Pool

	mu      sync.Mutex
	answers map[string]func(url.Values) string
	asked   []string // path and query of each call
	down    bool
	hanging bool
}

// newShelf is an API over a shop that answers what the test says, and, when the
// test wants one, a real database.
func newShelf(t *testing.T, withStore bool) *shelf {
	t.Helper()
	return newShelfThatWaits(t, withStore, 10*time.Second)
}

// newShelfThatWaits is one that waits so long for a call of the shop's.
func newShelfThatWaits(t *testing.T, withStore bool, timeout time.Duration) *shelf {
	t.Helper()
	s := &shelf{clock: newClock(), answers: map[string]func(url.Values) string{}}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	config := Config{
		Clayful: clayful.New(clayful.Config{BaseURL: server.URL, Timeout: timeout}), InfluencerGroup: "INF", Now: s.now,
		JWTKeys: []Key{{"new", []byte(strings.Repeat("n", 32))}}, Logger: slog.New(slog.DiscardHandler),
		HiddenCollections: []string{"인플루언서", "Influencer"},
	}
	if withStore {
		s.pool = embeddedtest.Pool(t, 4)
		config.Store = store.New(s.pool)
	}
	var err error
	s.config = config
	s.api, err = New(config)
	require.NoError(t, err)
	return s
}

func (s *shelf) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	path := strings.TrimPrefix(r.URL.Path, "/v1")
	s.asked = append(s.asked, path+"?"+r.URL.RawQuery)
	answer, down, hanging := s.answers[path], s.down, s.hanging
	s.mu.Unlock()
	switch {
	case hanging:
		<-r.Context().Done()
	case down:
		w.WriteHeader(http.StatusInternalServerError)
	case answer == nil:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"statusCode":404,"errorCode":"not-existing-product","message":"없는 상품입니다."}`)
	default:
		_, _ = io.WriteString(w, answer(r.URL.Query()))
	}
}

// has the shop answer a path with a body.
func (s *shelf) has(path, body string) {
	s.answers[path] = func(url.Values) string { return body }
}

// lists has the shop answer a path with documents, by pages.
func (s *shelf) lists(path string, documents ...string) {
	s.answers[path] = func(query url.Values) string { return "[" + strings.Join(cut(documents, query), ",") + "]" }
}

// cut is the page of a list that a query asks for.
func cut(documents []string, query url.Values) []string {
	page, limit := 1, 24
	for name, into := range map[string]*int{"page": &page, "limit": &limit} {
		if n, err := strconv.Atoi(query.Get(name)); err == nil {
			*into = n
		}
	}
	start := min((page-1)*limit, len(documents))
	return documents[start:min(start+limit, len(documents))]
}

func (s *shelf) breaks(down, hanging bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down, s.hanging = down, hanging
}

// calls are the calls the shop got since the last time, in order of text.
func (s *shelf) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := slices.Sorted(slices.Values(s.asked))
	s.asked = nil
	return calls
}

func (s *shelf) ask(t *testing.T, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w
}

func (s *shelf) get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	return s.ask(t, http.MethodGet, path, "")
}

// shows expects a body, to the letter.
func (s *shelf) shows(t *testing.T, path, body string) {
	t.Helper()
	w := s.get(t, path)
	require.Equal(t, 200, w.Code, w.Body.String())
	require.Equal(t, body, w.Body.String())
}

// aired puts a broadcast in the database.
func (s *shelf) aired(t *testing.T, id int64, with map[string]any) {
	t.Helper()
	columns := map[string]any{
		"vod_id": id, "mux_livestream_id": "secret stream", "mux_asset_id": "secret asset", "mux_livestream_playback_id": "LIVE",
		"title": "방송", "influencer_name": "별", "influencer_id": "STAR", "status": "completed", "product_list": "A,B",
		"started_at": time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Hour),
		"updated_at": time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), "finished_at": nil,
	}
	maps.Copy(columns, with)
	var names, places []string
	var values []any
	for name, value := range columns {
		values = append(values, value)
		names, places = append(names, name), append(places, "$"+strconv.Itoa(len(values)))
	}
	_, err := s.pool.Exec(t.Context(), "INSERT INTO media_stream ("+strings.Join(names, ",")+") VALUES ("+strings.Join(places, ",")+")", values...)
	require.NoError(t, err)
}

// A product as the shop formats it, and as it is shown.
const (
	formattedProduct = `{"_id":"A","slug":"a","name":"별 크림","price":{"type":"fixed","original":{"raw":10000,"convertedRaw":10000,"formatted":"₩10,000","converted":"₩10,000"},"sale":{"raw":9000.50,"formatted":"₩9,000"}},` +
		`"discount":{"type":"percentage","value":{"raw":10,"formatted":"10","converted":"10%"},"discounted":{"raw":1000,"formatted":"₩1,000"}},` +
		`"rating":{"count":{"raw":2},"sum":{"raw":9},"average":{"raw":4.50}},"totalReview":{"raw":2,"formatted":"2"},"available":true,` +
		`"variants":[{"_id":"V","quantity":{"raw":3,"formatted":"3"},"price":{"original":{"raw":10000},"sale":{"raw":9000}},"discount":{"type":null,"value":null,"discounted":{"raw":0}},"weight":{"raw":1},"width":null}],` +
		`"meta":{"my_vod":["1"],"n":{"raw":5,"formatted":"5"}},"createdAt":{"raw":"2026-01-01T00:00:00.000Z","formatted":"1월","ago":"전"},"updatedAt":{"raw":"2026-01-02T00:00:00.000Z"}}`
	shownProduct = `{"_id":"A","available":true,"createdAt":"2026-01-01T00:00:00.000Z","discount":{"discounted":1000,"type":"percentage","value":10},` +
		`"meta":{"my_vod":["1"],"n":{"formatted":"5","raw":5}},"name":"별 크림","price":{"original":10000,"sale":9000.50,"type":"fixed"},` +
		`"rating":{"average":4.50,"count":2,"sum":9},"slug":"a","totalReview":2,"updatedAt":"2026-01-02T00:00:00.000Z",` +
		`"variants":[{"_id":"V","discount":{"discounted":0,"type":null,"value":null},"price":{"original":10000,"sale":9000},"quantity":3,"weight":1,"width":null}]}`
)

func TestProductListsAreShownAsAgreed(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.has("/products", `[`+formattedProduct+`]`)
	for path, query := range map[string]string{
		"/product/collection/":                       "available=true&collection=any&limit=120&page=1",
		"/product/collection?page=2":                 "available=true&collection=any&limit=120&page=2",
		"/product/collection/BEAUTY/":                "available=true&collection=BEAUTY&limit=120&page=1",
		"/product/collection/BEAUTY?page=7":          "available=true&collection=BEAUTY&limit=120&page=7",
		"/product/about/BEAUTY/":                     "available=true&collection=BEAUTY&limit=120&page=1",
		"/product/catalog/percentage/":               "available=true&collection=any&discountType=percentage&discountValueMax=100&discountValueMin=0&limit=120&page=1",
		"/product/catalog/percentage?min=5.5&max=10": "available=true&collection=any&discountType=percentage&discountValueMax=10&discountValueMin=5.5&limit=120&page=1",
	} {
		s.shows(t, path, `[`+shownProduct+`]`)
		require.Equal(t, []string{"/products?" + query}, s.calls(), path)
		s.shows(t, path, `[`+shownProduct+`]`)
		require.Empty(t, s.calls(), "remembered")
		s.pass(catalogueFresh)
	}
}

func TestAboutShowsTen(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.lists("/products", many(15)...)
	s.shows(t, "/product/about/X/", "["+strings.Join(many(15)[:10], ",")+"]")
	require.Len(t, s.calls(), 1)
}

// many are products that are nothing but their number.
func many(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"_id":"%d"}`, i)
	}
	return list
}

func TestProductPagesEnd(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.lists("/products", many(121)...)
	s.shows(t, "/product/collection/?page=2", `[{"_id":"120"}]`)
	s.shows(t, "/product/collection/?page=3", `[]`)
	s.shows(t, "/product/collection/X/?page=1000000", `[]`)
	require.Len(t, s.calls(), 3)
}

func TestProductsBadInput(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.has("/products", `[]`)
	for _, path := range []string{
		"/product/collection/?page=0", "/product/collection/?page=x", "/product/collection/?page=-1", "/product/collection/?page=",
		"/product/collection/X?page=1.5", "/product/catalog/fixed/?page=0", "/product/catalog/fixed/?min=x", "/product/catalog/fixed/?max=NaN",
		"/product/catalog/fixed/?max=Inf", "/product/catalog/percentage/?max=1e999", "/product/catalog/both/", "/collections/?page=0",
	} {
		w := s.get(t, path)
		require.Equal(t, 400, w.Code, path)
		require.Regexp(t, `^"validation .+"$`, w.Body.String(), path)
	}
	for _, body := range []string{`{}`, `{"search":""}`, `{"search":"  "}`, `{"search":null}`, `{"search":1}`, `[]`, ``, `{"search":"` + strings.Repeat("가", 101) + `"}`} {
		w := s.ask(t, http.MethodPost, "/product/search/", body)
		require.Equal(t, 400, w.Code, body)
		require.Regexp(t, `^"validation .+"$`, w.Body.String(), body)
	}
	require.Equal(t, 400, s.ask(t, http.MethodPost, "/product/search/?page=0", `{"search":"x"}`).Code)
	require.Empty(t, s.calls())
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.has("/products", `[`+formattedProduct+`]`)
	for range 2 {
		w := s.ask(t, http.MethodPost, "/product/search/?page=2", `{"search":" 별 & "}`)
		require.Equal(t, 200, w.Code)
		require.Equal(t, `[`+shownProduct+`]`, w.Body.String())
	}
	require.Equal(t, []string{"/products?limit=120&page=2&q=%EB%B3%84+%26&search=name.ko&searchMatch=partial"}, s.calls())
}

// priced is a product with a discount.
func priced(id, kind string, value int) string {
	return fmt.Sprintf(`{"_id":%q,"discount":{"type":%q,"value":{"raw":%d}}}`, id, kind, value)
}

func discountShown(id, kind string, value int) string {
	return fmt.Sprintf(`{"_id":%q,"discount":{"type":%q,"value":%d}}`, id, kind, value)
}

// TestDiscountsOfAShopThatIgnoresTheFilter pages over what fits, whatever the
// shop's own pages hold: each product once, none missing.
func TestDiscountsOfAShopThatIgnoresTheFilter(t *testing.T) {
	t.Parallel()
	for name, fits := range map[string]func(i int) bool{
		"half":                 func(i int) bool { return i%2 == 0 },
		"none":                 func(int) bool { return false },
		"the second page":      func(i int) bool { return i >= 120 && i < 240 },
		"all but the first":    func(i int) bool { return i > 0 },
		"the last page":        func(i int) bool { return i >= 240 },
		"the first two pages":  func(i int) bool { return i < 240 },
		"all":                  func(int) bool { return true },
		"the first page alone": func(i int) bool { return i < 120 },
		"not the second page":  func(i int) bool { return i < 120 || i >= 240 },
	} {
		for _, size := range []int{5, 120, 240, 250, 360} {
			s := newShelf(t, false)
			var all, want []string
			for i := range size {
				id := strconv.Itoa(i)
				if !fits(i) {
					all = append(all, priced(id, "percentage", 5))
					continue
				}
				all = append(all, priced(id, "fixed", 1000))
				want = append(want, discountShown(id, "fixed", 1000))
			}
			s.lists("/products", all...)
			for page := 1; page <= len(want)/pageSize+2; page++ {
				s.shows(t, "/product/catalog/fixed/?page="+strconv.Itoa(page), "["+strings.Join(paged(want, page), ",")+"]")
				require.LessOrEqual(t, len(s.calls()), 3, "%s of %d, page %d", name, size, page)
			}
		}
	}
}

// TestDiscountsOfAShopThatFilters goes as far as the shop does.
func TestDiscountsOfAShopThatFilters(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	var all, want []string
	for i := range 650 {
		all, want = append(all, priced(strconv.Itoa(i), "fixed", i)), append(want, discountShown(strconv.Itoa(i), "fixed", i))
	}
	s.lists("/products", all...)
	for page := range 8 {
		s.shows(t, "/product/catalog/fixed/?page="+strconv.Itoa(page+1), "["+strings.Join(paged(want, page+1), ",")+"]")
		require.LessOrEqual(t, len(s.calls()), 3)
	}
}

func TestDiscountsWithinTheirBounds(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.lists("/products", priced("0", "percentage", 0), priced("10", "percentage", 10), priced("20", "percentage", 20), priced("99", "fixed", 99),
		`{"_id":"none","discount":{"type":null,"value":null}}`, `{"_id":"plain","discount":{"type":"percentage","value":15}}`, `{"_id":"odd"}`)
	for path, want := range map[string][]string{
		"/product/catalog/percentage/":               {discountShown("0", "percentage", 0), discountShown("10", "percentage", 10), discountShown("20", "percentage", 20), `{"_id":"plain","discount":{"type":"percentage","value":15}}`},
		"/product/catalog/percentage/?min=10&max=15": {discountShown("10", "percentage", 10), `{"_id":"plain","discount":{"type":"percentage","value":15}}`},
		"/product/catalog/percentage/?min=15&max=10": {},
		"/product/catalog/fixed/?min=99":             {discountShown("99", "fixed", 99)},
		"/product/catalog/fixed/?min=99.5":           {},
	} {
		s.shows(t, path, "["+strings.Join(want, ",")+"]")
	}
}

const shippingPolicies = `[
	{"_id":"P1","method":{"_id":"M"},"vendor":{"_id":"VENDOR","name":"상점"},"rules":[{"weightOver":{"raw":0},"fee":{"raw":2500,"formatted":"₩2,500"},"free":{"priceOver":{"raw":30000}}}],
		"regions":[{"name":"제주","rules":[{"weightOver":{"raw":0},"fee":{"raw":5500},"free":null}]}],"createdAt":{"raw":"2026-01-01T00:00:00.000Z"},"updatedAt":{"raw":"2026-01-01T00:00:00.000Z"}},
	{"_id":"P2","vendor":{"_id":"VENDOR"},"rules":[]},
	{"_id":"P3","rules":[{"fee":{"raw":3000}}]}]`

// TestProductDetail compares a whole product, as the app gets it.
func TestProductDetail(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.has("/products/A", `{"_id":"A","price":{"sale":{"raw":9000}},"vendor":{"_id":"VENDOR"},"shipping":{"methods":[{"_id":"M1"},{"_id":"M2"}],"calculation":"bundled"},"meta":{"my_vod":["1","2","x","3","4","5","99"]}}`)
	s.has("/products/B", `{"_id":"B","shipping":{"methods":[],"calculation":null},"meta":{}}`)
	s.has("/products/C", `{"_id":"C","vendor":"OTHER"}`)
	s.has("/shipping/policies", shippingPolicies)
	s.aired(t, 1, map[string]any{"mux_asset_playback_id": "REC", "finished_at": time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), "product_price": 10000})
	s.aired(t, 2, map[string]any{"status": "missed"})
	s.aired(t, 3, map[string]any{"status": "ready", "product_list": nil, "mux_livestream_playback_id": nil})
	s.aired(t, 4, map[string]any{"deleted_at": time.Now()})
	s.aired(t, 5, map[string]any{"status": "ready", "started_at": nil, "product_list": nil, "mux_livestream_playback_id": nil})
	s.aired(t, 6, nil) // another product's
	ready := func(id int, started string) string {
		return fmt.Sprintf(`{"vod_id":%d,"mux_livestream_playback_id":null,"mux_asset_playback_id":null,"title":"방송","notice":null,"description":null,"influencer_name":"별","influencer_id":"STAR","influencer_thunmbnail":"",`+
			`"product_id":null,"product_name":"","product_price":0,"product_sale":0,"product_brand":null,"product_thumbnail":null,"status":"ready","started_at":%s,"vod_view_count":0,"like_count":0,"push_count":0,"thumbnail":null,`+
			`"product_list":null,"updated_at":"2026-03-02T19:00:00","finished_at":null}`, id, started)
	}
	s.shows(t, "/product/A/", `{"ShippingPolicy":{"_id":"P1","createdAt":"2026-01-01T00:00:00.000Z","method":{"_id":"M"},"regions":[{"name":"제주","rules":[{"fee":5500,"free":null,"weightOver":0}]}],`+
		`"rules":[{"fee":2500,"free":{"priceOver":30000},"weightOver":0}],"updatedAt":"2026-01-01T00:00:00.000Z","vendor":{"_id":"VENDOR","name":"상점"}},`+
		`"_id":"A","meta":{"my_vod":["1","2","x","3","4","5","99"]},"price":{"sale":9000},"shipping":{"calculation":"bundled","method":{"_id":"M1"}},"vendor":{"_id":"VENDOR"},`+
		`"vod_list":[`+ready(3, `"2026-03-01T22:00:00"`)+`,`+
		`{"vod_id":1,"mux_livestream_playback_id":"LIVE","mux_asset_playback_id":"REC","title":"방송","notice":null,"description":null,"influencer_name":"별","influencer_id":"STAR","influencer_thunmbnail":"",`+
		`"product_id":null,"product_name":"","product_price":10000,"product_sale":0,"product_brand":null,"product_thumbnail":null,"status":"completed","started_at":"2026-03-01T20:00:00","vod_view_count":0,"like_count":0,"push_count":0,`+
		`"thumbnail":"https://image.mux.com/REC/thumbnail.png","product_list":"A,B","updated_at":"2026-03-02T19:00:00","finished_at":"2026-03-01T21:00:00"},`+
		ready(5, `null`)+`]}`)
	require.Equal(t, []string{"/products/A?", "/shipping/policies?limit=120"}, s.calls())
	s.shows(t, "/product/B/", `{"ShippingPolicy":{"_id":"P3","rules":[{"fee":3000}]},"_id":"B","meta":{},"shipping":{"calculation":null,"method":null},"vod_list":[]}`)
	require.Equal(t, []string{"/products/B?"}, s.calls(), "the policies are known")
	s.shows(t, "/product/C/", `{"ShippingPolicy":null,"_id":"C","shipping":{"method":null},"vendor":"OTHER","vod_list":[]}`)
	w := s.get(t, "/product/NONE/")
	require.Equal(t, 404, w.Code)
	require.Equal(t, `"not-existing-product 없는 상품입니다."`, w.Body.String())
}

func TestPublicReadsWhileTheShopIsDown(t *testing.T) {
	t.Parallel()
	for name, hanging := range map[string]bool{"broken": false, "hanging": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShelfThatWaits(t, false, 300*time.Millisecond)
			s.has("/products", `[`+formattedProduct+`]`)
			s.shows(t, "/product/collection/", `[`+shownProduct+`]`)
			s.breaks(true, hanging)
			s.pass(catalogueFresh + time.Second)
			w := s.get(t, "/product/collection/")
			require.Equal(t, 200, w.Code)
			require.Equal(t, `[`+shownProduct+`]`, w.Body.String())
			require.Equal(t, `110 - "Response is Stale"`, w.Header().Get("Warning"))
			require.Equal(t, "6", w.Header().Get("Age"))
			w = s.get(t, "/product/collection/X/")
			require.Equal(t, 503, w.Code)
			require.Regexp(t, `^"upstream-unavailable .+"$`, w.Body.String())
			w = s.get(t, "/media/related/?collection_id=X")
			require.Equal(t, 503, w.Code)
			require.Regexp(t, `^\{"error":\{"message":".+"\}\}$`, w.Body.String())
			s.pass(catalogueStale)
			require.Equal(t, 503, s.get(t, "/product/collection/").Code)
			s.breaks(false, false)
			w = s.get(t, "/product/collection/")
			require.Equal(t, 200, w.Code)
			require.Empty(t, w.Header().Get("Warning")+w.Header().Get("Age"))
		})
	}
}
