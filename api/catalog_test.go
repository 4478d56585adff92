package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const catalogues = `[
	{"_id":"1","title":"핫딜","description":"a","items":[{"title":"x"}],"image":{"_id":"I","url":"u"},"meta":{"Type":"hotdeal","min":{"raw":10,"formatted":"10"}},"createdAt":{"raw":"2026-01-01T00:00:00.000Z"},"updatedAt":{"raw":"2026-01-02T00:00:00.000Z"}},
	{"_id":"2","title":"특집","meta":{"Type":"special","ids":["C1","C2"]}},
	{"_id":"3","title":"특집 둘","meta":{"Type":"special","ids":["C3"]}},
	{"_id":"4","title":"잡지","description":"d","items":[{"title":"장"}],"image":null,"meta":{"Type":"magazine","ids":["C1"],"sub_description":"s","DeletedAt":null}},
	{"_id":"5","title":"추천","meta":{}}]`

func TestCatalogs(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	s.has("/catalogs", catalogues)
	s.shows(t, "/catalog/", `[{"_id":"1","createdAt":"2026-01-01T00:00:00.000Z","description":"a","image":{"_id":"I","url":"u"},"items":[{"title":"x"}],`+
		`"meta":{"Type":"hotdeal","min":{"formatted":"10","raw":10}},"title":"핫딜","updatedAt":"2026-01-02T00:00:00.000Z"},{"_id":"5","meta":{},"title":"추천"}]`)
	s.shows(t, "/catalog/magazine/", `[{"collection_ids":["C1"],"description":"d","items":[{"title":"장"}],"sub_description":"s","title":"잡지"}]`)
	require.Equal(t, []string{"/catalogs?limit=120", "/catalogs?limit=120"}, s.calls())
	s.pass(catalogueFresh)
	s.has("/catalogs", `[]`)
	s.shows(t, "/catalog/", `[]`)
	s.shows(t, "/catalog/magazine/", `[]`)
	s.shows(t, "/catalog/special/", `{"title":null,"vods":[]}`)
}

// shownVODs are the ids of the broadcasts in a list.
func shownVODs(t *testing.T, list []byte) []int64 {
	t.Helper()
	var vods []struct {
		ID int64 `json:"vod_id"`
	}
	require.NoError(t, json.Unmarshal(list, &vods), string(list))
	ids := []int64{}
	for _, vod := range vods {
		ids = append(ids, vod.ID)
	}
	return ids
}

// productIn is a product and the broadcasts it was sold in.
func productIn(id string, vods ...int) string {
	list := make([]string, len(vods))
	for i, vod := range vods {
		list[i] = strconv.Quote(strconv.Itoa(vod))
	}
	return fmt.Sprintf(`{"_id":%q,"meta":{"my_vod":["",%s]}}`, id, strings.Join(list, ","))
}

func TestSpecialCatalog(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.has("/catalogs", catalogues)
	s.has("/products", `[`+productIn("A", 1, 2, 3, 4)+`,`+productIn("B", 3, 5, 6, 7, 8)+`]`)
	for id := range int64(9) {
		s.aired(t, id+1, nil)
	}
	s.aired(t, 10, map[string]any{"status": "ready"})
	w := s.get(t, "/catalog/special/")
	require.Equal(t, 200, w.Code)
	var special struct {
		Title string          `json:"title"`
		VODs  json.RawMessage `json:"vods"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &special))
	require.Equal(t, "특집", special.Title)
	require.NotContains(t, w.Body.String(), "secret")
	require.Len(t, shownVODs(t, special.VODs), 5)
	require.Subset(t, []int64{1, 2, 3, 4, 5, 6, 7, 8}, shownVODs(t, special.VODs))
	require.Equal(t, []string{"/catalogs?limit=120", "/products?collection=C1%2CC2&limit=120&page=1"}, s.calls())
}

func TestCollectionsHideSomeBeforePaging(t *testing.T) {
	t.Parallel()
	s := newShelf(t, false)
	var all, want []string
	for i := range 250 {
		name := strconv.Itoa(i)
		switch i {
		case 3:
			name = "인플루언서"
		case 130:
			name = "influencer"
		default:
			want = append(want, fmt.Sprintf(`{"_id":"%d","name":"%d"}`, i, i))
		}
		all = append(all, fmt.Sprintf(`{"_id":"%d","name":"%s"}`, i, name))
	}
	s.lists("/collections", all...)
	for page, most := range []int{2, 3, 3, 3} {
		s.shows(t, "/collections/?page="+strconv.Itoa(page+1), "["+strings.Join(paged(want, page+1), ",")+"]")
		require.LessOrEqual(t, len(s.calls()), most)
	}
	s.shows(t, "/collections/?page=9223372036854775807", `[]`)
	s.pass(catalogueFresh)
	s.lists("/collections")
	s.shows(t, "/collections/", `[]`)
}

func TestRelated(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.has("/products/A", `{"_id":"A","collections":[{"path":[{"_id":"C1"},{"_id":"C2"}]},{"path":["C3"]},{}]}`)
	s.has("/products/LONELY", `{"_id":"LONELY","collections":[]}`)
	s.answers["/products"] = func(query url.Values) string {
		if query.Get("collection") == "EMPTY" {
			return `[]`
		}
		return `[` + productIn("A", 1) + `,` + productIn("B", 2, 3, 2) + `,` + productIn("C", 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14) + `,{"_id":"D"}]`
	}
	for id := range int64(12) {
		s.aired(t, id+1, nil)
	}
	s.aired(t, 13, map[string]any{"status": "ready"})
	s.aired(t, 14, map[string]any{"deleted_at": time.Now()})
	list := func(query string) []int64 {
		w := s.get(t, "/media/related/?"+query)
		require.Equal(t, 200, w.Code, w.Body.String())
		require.NotContains(t, w.Body.String(), "secret")
		return shownVODs(t, w.Body.Bytes())
	}
	got := list("product_id=A")
	require.Len(t, got, 10)
	require.Subset(t, []int64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, got, "not the product's own")
	require.Equal(t, []string{"/products/A?", "/products?collection=C1%2CC2%2CC3&limit=120&page=1"}, s.calls())
	got = list("collection_id=C1")
	require.Len(t, got, 10)
	require.Len(t, s.calls(), 1)
	require.Equal(t, []int64{}, list("product_id=LONELY"))
	require.Len(t, s.calls(), 1)
	require.Equal(t, []int64{}, list("collection_id=EMPTY"))
	for _, query := range []string{"", "?product_id=", "?product_id=NONE"} {
		w := s.get(t, "/media/related/"+query)
		require.Equal(t, 400, w.Code, query)
		require.Contains(t, w.Body.String(), `{"error":{"message":"`, query)
	}
}

func TestSoldByAnInfluencer(t *testing.T) {
	t.Parallel()
	s := newShelf(t, true)
	s.answers["/products"] = func(query url.Values) string {
		var list []string
		for _, id := range strings.Split(query.Get("ids"), ",") {
			if id != "GONE" {
				list = append([]string{fmt.Sprintf(`{"_id":%q,"price":{"sale":{"raw":1}}}`, id)}, list...) // in another order
			}
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	s.aired(t, 1, map[string]any{"product_list": "A,B"})
	s.aired(t, 2, map[string]any{"product_list": "C,GONE,A"})
	s.aired(t, 3, map[string]any{"status": "live", "product_list": "LIVE"})
	s.aired(t, 4, map[string]any{"influencer_id": "OTHER", "product_list": "OTHERS"})
	s.aired(t, 5, map[string]any{"deleted_at": time.Now(), "product_list": "DELETED"})
	s.aired(t, 6, map[string]any{"product_list": nil})
	s.aired(t, 7, map[string]any{"product_list": ""})
	shown := func(id string) string { return fmt.Sprintf(`{"_id":%q,"price":{"sale":1}}`, id) }
	s.shows(t, "/influencer/myproduct/?influencer_id=STAR", `{"success":{"message":"조회되었습니다","product_list":[`+shown("C")+`,`+shown("A")+`,`+shown("B")+`]}}`)
	require.Equal(t, []string{"/products?ids=C%2CGONE%2CA%2CB&limit=120"}, s.calls())
	s.shows(t, "/influencer/myproduct/?influencer_id=NOBODY", `{"success":{"message":"조회되었습니다","product_list":[]}}`)
	require.Empty(t, s.calls())
	require.Equal(t, 400, s.get(t, "/influencer/myproduct/").Code)

	for i := range 10 { // more ids than the shop takes at once
		ids := make([]string, 25)
		for j := range ids {
			ids[j] = fmt.Sprintf("P%03d", i*25+j)
		}
		s.aired(t, int64(100-i), map[string]any{"influencer_id": "MANY", "product_list": strings.Join(ids, ",")})
	}
	w := s.get(t, "/influencer/myproduct/?influencer_id=MANY")
	var body struct {
		Success struct {
			Products []struct {
				ID string `json:"_id"`
			} `json:"product_list"`
		} `json:"success"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	require.Len(t, body.Success.Products, 250)
	for i, p := range body.Success.Products {
		require.Equal(t, fmt.Sprintf("P%03d", i), p.ID)
	}
	require.Len(t, s.calls(), 3)
}
