package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// reviewParts is a review as a form.
func reviewParts(order, product string, images ...[]byte) []part {
	parts := []part{text("product", product), text("title", "좋아요"), text("body", "잘 쓰고 있습니다")}
	if order != "" {
		parts = append(parts, text("order", order))
	}
	for _, image := range images {
		parts = append(parts, file("images", image))
	}
	return parts
}

// write writes a review with pictures of these shades.
func (p person) write(t *testing.T, product string, shades ...uint8) map[string]any {
	t.Helper()
	var images [][]byte
	for _, shade := range shades {
		images = append(images, pngFile(t, shade))
	}
	got := p.send(t, "POST", "/review/", reviewParts("", product, images...)...)
	require.Equal(t, 200, got.status, string(got.body))
	return got.object(t)
}

// reviewed is a review as everybody sees it.
func reviewed(t *testing.T, id string) map[string]any {
	t.Helper()
	got := shared.call(t, "GET", "/review/"+id+"/", "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	return got.object(t)
}

// requirePictures sees that a review shows pictures of these shades, and that
// its author has no others.
func requirePictures(t *testing.T, who person, review string, shades ...uint8) {
	t.Helper()
	images := reviewed(t, review)["images"].([]any)
	require.Len(t, images, len(shades))
	for i, shade := range shades {
		requireShown(t, images[i].(map[string]any)["url"].(string), pngFile(t, shade), "image/png")
	}
	require.Len(t, stored(t, who.id), len(shades))
}

func requireWords(t *testing.T, got answer, status int, code string) {
	t.Helper()
	require.Equal(t, status, got.status, string(got.body))
	var words string
	require.NoError(t, json.Unmarshal(got.body, &words), string(got.body))
	require.True(t, strings.HasPrefix(words, code+" "), words)
}

func TestReview1Create(t *testing.T) {
	p := newShopper(t)
	id, _ := product(1)
	o, _ := p.paid(line(1, 1))
	before := shopGet(t, "/products/"+id+"?raw=true").object(t)["totalReview"].(float64)
	got := p.send(t, "POST", "/review/", reviewParts(o.id, id, pngFile(t, 1), jpegFile(t), webpFile(t))...)
	require.Equal(t, 200, got.status, string(got.body))
	review := got.object(t)
	require.Equal(t, id, review["product"])
	require.Equal(t, "좋아요", review["title"])
	require.Len(t, review["images"], 3)
	for _, image := range stored(t, p.id) {
		require.Equal(t, "Review", image["model"])
		require.Equal(t, "images", image["application"])
	}
	require.InDelta(t, before+1, shopGet(t, "/products/"+id+"?raw=true").object(t)["totalReview"], 0)
	published := reviewed(t, review["_id"].(string))
	requireShown(t, published["images"].([]any)[1].(map[string]any)["url"].(string), jpegFile(t), "image/jpeg")

	order := p.call("GET", "/order/"+o.id, nil).object(t)
	require.Equal(t, id, order["reviews"].([]any)[0].(map[string]any)["product"])
	require.Equal(t, 200, shopSend(t, "PUT", "/products/reviews/"+review["_id"].(string), map[string]any{"published": false}).status)
	listed := p.call("GET", "/order/", nil).list(t)[0]["reviews"].([]any)[0].(map[string]any)
	require.Equal(t, review["_id"], listed["_id"])
	require.Nil(t, listed["product"], "not published")
	require.InDelta(t, before, shopGet(t, "/products/"+id+"?raw=true").object(t)["totalReview"], 0)

	got = p.call("POST", "/review/", map[string]any{"order": o.id, "product": id, "title": "또", "body": "샀어요"})
	require.Equal(t, 200, got.status, string(got.body))
	require.Empty(t, got.object(t)["images"])

	other := newShopper(t)
	second, _ := product(2)
	ten := make([][]byte, 10)
	for i := range ten {
		ten[i] = pngFile(t, uint8(i))
	}
	for name, refused := range map[string]struct {
		parts  []part
		status int
		code   string
	}{
		"another's order":    {reviewParts(o.id, id, pngFile(t, 1)), 404, "not-existing-order"},
		"an unknown product": {reviewParts("", nothing, pngFile(t, 1)), 400, "not-existing-product-relation"},
		"no product":         {[]part{text("title", "x"), text("body", "x"), file("images", pngFile(t, 1))}, 400, "validation"},
		"no title":           {[]part{text("product", id), text("body", "x"), file("images", pngFile(t, 1))}, 400, "validation"},
		"an empty body":      {[]part{text("product", id), text("title", "x"), text("body", ""), file("images", pngFile(t, 1))}, 400, "validation"},
		"a GIF":              {reviewParts("", id, pngFile(t, 1), gifFile(t)), 400, "validation"},
		"a bomb":             {reviewParts("", id, pngFile(t, 1), bomb(30000, 30000)), 400, "validation"},
		"eleven":             {reviewParts("", id, append(ten, pngFile(t, 1))...), 400, "validation"},
		"images as text":     {append(reviewParts("", id), text("images", "https://example.com/x.png")), 400, "validation"},
	} {
		requireWords(t, other.send(t, "POST", "/review/", refused.parts...), refused.status, refused.code)
		require.Empty(t, stored(t, other.id), name)
	}
	requireWords(t, p.send(t, "POST", "/review/", reviewParts(o.id, second, pngFile(t, 1))...), 400, "not-purchased-product")
	requireError(t, other.send(t, "POST", "/review/", reviewParts("", id, make([]byte, 11<<20))...), "too large")
	require.Empty(t, stored(t, other.id))
	require.Empty(t, shared.call(t, "GET", "/review/list/customer/"+other.id+"/", "", nil).list(t))
	require.Len(t, other.write(t, id, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)["images"], 10)
}

func TestReview2Get(t *testing.T) {
	who := shared.newPerson(t, members)
	id, _ := product(3) // discounted
	review := reviewed(t, who.write(t, id, 1)["_id"].(string))
	for _, hidden := range []string{"helped", "flagged", "rating", "totalComment", "commentedAt"} {
		require.NotContains(t, review, hidden)
	}
	for _, at := range []string{"publishedAt", "createdAt", "updatedAt"} {
		_, err := time.Parse(time.RFC3339, review[at].(string))
		require.NoError(t, err)
	}
	about := review["product"].(map[string]any)
	require.Equal(t, id, about["_id"])
	require.NotEmpty(t, about["name"])
	require.Equal(t, 200, call(t, "GET", about["thumbnail"].(map[string]any)["url"].(string), "", nil).status)
	require.InDelta(t, 12900, about["price"].(map[string]any)["original"], 0)
	require.InDelta(t, 11900, about["price"].(map[string]any)["sale"], 0)
	require.InDelta(t, 1000, about["discount"].(map[string]any)["discounted"], 0)
	require.InDelta(t, 1000, about["discount"].(map[string]any)["value"], 0)
	require.Equal(t, who.id, review["customer"].(map[string]any)["_id"])
	requireWords(t, shared.call(t, "GET", "/review/"+nothing+"/", "", nil), 404, "not-existing-review")
}

// reviewsAre lists reviews by id.
func reviewsAre(t *testing.T, path string) []string {
	t.Helper()
	got := shared.call(t, "GET", path, "", nil)
	require.Equal(t, 200, got.status, string(got.body))
	ids := []string{}
	for _, review := range got.list(t) {
		ids = append(ids, review["_id"].(string))
	}
	return ids
}

func TestReview3OfProduct(t *testing.T) {
	who := shared.newPerson(t, members)
	id, _ := newProduct(t, 1000, 1)
	path := "/review/list/product/" + id + "/"
	require.Empty(t, reviewsAre(t, path))
	first := who.write(t, id)["_id"].(string)
	require.Equal(t, []string{first}, reviewsAre(t, path), "seen at once")
	all := []string{first}
	atOnce(4, func(int) {
		for range 31 {
			got := shopSend(t, "POST", "/products/reviews", map[string]any{"customer": who.id, "product": id, "title": "t", "body": "b", "rating": 4})
			require.Equal(t, 201, got.status)
		}
	})
	hidden := shopSend(t, "POST", "/products/reviews", map[string]any{"customer": who.id, "product": id, "title": "t", "body": "b", "published": false})
	require.Equal(t, 201, hidden.status)
	second := who.write(t, id)["_id"].(string)
	page := reviewsAre(t, path+"?page=1")
	require.Len(t, page, 120)
	require.Equal(t, second, page[0], "newest first")
	rest := reviewsAre(t, path+"?page=2")
	require.Len(t, rest, 126-120)
	require.Equal(t, all[0], rest[5])
	require.NotContains(t, append(page, rest...), hidden.object(t)["_id"])
	require.Empty(t, reviewsAre(t, path+"?page=3"))
	requireWords(t, shared.call(t, "GET", path+"?page=0", "", nil), 400, "validation")
	shown := shopGet(t, "/products/"+id+"?raw=true").object(t)
	require.InDelta(t, 126, shown["totalReview"], 0)
	require.Equal(t, map[string]any{"count": 124.0, "sum": 496.0, "average": 4.0}, shown["rating"])
}

func TestReview4OfCustomer(t *testing.T) {
	who, other := shared.newPerson(t, members), shared.newPerson(t, members)
	one, _ := product(1)
	two, _ := product(2)
	path := "/review/list/customer/" + who.id + "/"
	require.Empty(t, reviewsAre(t, path))
	first, second := who.write(t, one)["_id"].(string), who.write(t, two)["_id"].(string)
	other.write(t, one)
	require.Equal(t, []string{second, first}, reviewsAre(t, path))
	require.Empty(t, reviewsAre(t, path+"?page=2"))
}

func TestReview5Delete(t *testing.T) {
	who, other := shared.newPerson(t, members), shared.newPerson(t, members)
	id, _ := newProduct(t, 1000, 1)
	review := who.write(t, id, 1, 2)["_id"].(string)
	for _, token := range []string{other.token, shared.newPerson(t, influencers).token} {
		requireWords(t, shared.call(t, "DELETE", "/review/"+review+"/", token, nil), 404, "not-existing-review")
	}
	requirePictures(t, who, review, 1, 2)
	got := shared.call(t, "DELETE", "/review/"+review+"/", who.token, nil)
	require.Equal(t, 200, got.status)
	var words string
	require.NoError(t, json.Unmarshal(got.body, &words))
	require.NotEmpty(t, words)
	require.Empty(t, stored(t, who.id))
	requireWords(t, shared.call(t, "GET", "/review/"+review+"/", "", nil), 404, "not-existing-review")
	require.Empty(t, reviewsAre(t, "/review/list/product/"+id+"/"))
	requireWords(t, shared.call(t, "DELETE", "/review/"+review+"/", who.token, nil), 404, "not-existing-review")
	require.InDelta(t, 0, shopGet(t, "/products/"+id+"?raw=true").object(t)["totalReview"], 0)
}

func TestReview6Edit(t *testing.T) {
	who, other := shared.newPerson(t, members), shared.newPerson(t, members)
	id, _ := product(1)
	review := who.write(t, id, 1, 2)["_id"].(string)
	path := "/review/" + review + "/"
	edit := func(parts ...part) {
		t.Helper()
		got := who.send(t, "PUT", path, parts...)
		require.Equal(t, 200, got.status, string(got.body))
		require.Equal(t, review, got.object(t)["_id"])
	}
	edit(text("title", "고침"))
	require.Equal(t, "고침", reviewed(t, review)["title"])
	require.Equal(t, "잘 쓰고 있습니다", reviewed(t, review)["body"], "what is absent stays")
	requirePictures(t, who, review, 1, 2)
	got := shared.call(t, "PUT", path, who.token, map[string]any{"body": "새 내용", "images": nil})
	require.Equal(t, 200, got.status, string(got.body))
	require.Equal(t, "새 내용", reviewed(t, review)["body"])
	requirePictures(t, who, review, 1, 2)

	edit(text("title", "사진"), file("images", pngFile(t, 3)))
	requirePictures(t, who, review, 3)
	edit(file("images", pngFile(t, 4)), file("images", pngFile(t, 5)), text("images", "[]"))
	requirePictures(t, who, review, 4, 5)
	require.Equal(t, "사진", reviewed(t, review)["title"])

	for name, refused := range map[string][]part{
		"a GIF":        {file("images", pngFile(t, 6)), file("images", gifFile(t))},
		"no title":     {text("title", ""), file("images", pngFile(t, 6))},
		"text images":  {text("images", `["x"]`)},
		"a bomb":       {file("images", bomb(30000, 30000))},
		"half a form":  {text("title", "\xff")},
		"eleven":       slicesOf(11, file("images", pngFile(t, 6))),
		"a text image": {file("images", []byte("hello"))},
	} {
		requireWords(t, who.send(t, "PUT", path, refused...), 400, "validation")
		requirePictures(t, who, review, 4, 5)
		require.Equal(t, "사진", reviewed(t, review)["title"], name)
	}
	requireWords(t, shared.call(t, "PUT", path, who.token, map[string]any{"images": []string{"x"}}), 400, "validation")
	requireWords(t, other.send(t, "PUT", path, text("title", "남의 것"), file("images", pngFile(t, 6))), 404, "not-existing-review")
	require.Empty(t, stored(t, other.id))
	bad := map[string]any{"vendor": "clayful", "method": "PUT", "path": "/v1/me/products/reviews/" + review, "times": 1, "mode": "error", "status": 400}
	fault(t, bad)
	require.Equal(t, 400, who.send(t, "PUT", path, text("title", "거절"), file("images", pngFile(t, 6))).status, "the shop refuses")
	requirePictures(t, who, review, 4, 5)

	edit(text("images", "[]"))
	requirePictures(t, who, review)
	edit(file("images", pngFile(t, 7)))
	require.Equal(t, 200, shared.call(t, "PUT", path, who.token, map[string]any{"images": []string{}}).status)
	requirePictures(t, who, review)
	atOnce(4, func(i int) {
		require.Equal(t, 200, who.send(t, "PUT", path, file("images", pngFile(t, uint8(10+i)))).status)
	})
	require.Len(t, stored(t, who.id), 1)
}

// TestReviewStepsOnBadDays has every call that changes something fail in every
// way.
func TestReviewStepsOnBadDays(t *testing.T) {
	product, _ := product(1)
	shop := func(method, path, mode string) map[string]any {
		return map[string]any{"vendor": "clayful", "method": method, "path": "/v1/me" + path, "times": 1, "mode": mode}
	}
	run := func(t *testing.T, name, mode string, bad func(review, image string) map[string]any, do func(person, string) answer) {
		t.Helper()
		who := shared.newPerson(t, members)
		review := who.write(t, product, 1, 2)["_id"].(string)
		image := shopGet(t, "/products/reviews/"+review+"?raw=true").object(t)["images"].([]any)[0].(string)
		fault(t, bad(review, image))
		got := do(who, review)
		require.Contains(t, []int{200, 503}, got.status, "%s, %s: %s", name, mode, got.body)
		if mode == "drop" {
			require.Equal(t, 200, got.status, name)
		}
		requireTidy(t, who, name+", "+mode)
		list := shopGet(t, "/products/reviews?raw=true&customer="+who.id).list(t)
		if got.status != 200 {
			require.Len(t, list, 1)
			require.Len(t, list[0]["images"], 2, "%s, %s: pictures are lost", name, mode)
		}
	}
	replace := func(who person, review string) answer {
		return who.send(t, "PUT", "/review/"+review+"/", text("title", "고침"), file("images", pngFile(t, 8)), file("images", pngFile(t, 9)))
	}
	for name, step := range map[string]struct {
		bad  func(mode string) func(review, image string) map[string]any
		do   func(person, string) answer
		hang bool
	}{
		"keep an image": {func(mode string) func(string, string) map[string]any {
			return func(string, string) map[string]any { return shop("POST", "/images", mode) }
		}, replace, false},
		"write": {func(mode string) func(string, string) map[string]any {
			return func(string, string) map[string]any { return shop("POST", "/products/reviews", mode) }
		}, func(who person, _ string) answer {
			return who.send(t, "POST", "/review/", reviewParts("", product, pngFile(t, 8))...)
		}, false},
		"edit": {func(mode string) func(string, string) map[string]any {
			return func(review, _ string) map[string]any { return shop("PUT", "/products/reviews/"+review, mode) }
		}, replace, true},
		"delete an old image": {func(mode string) func(string, string) map[string]any {
			return func(_, image string) map[string]any { return shop("DELETE", "/images/"+image, mode) }
		}, replace, true},
		"delete": {func(mode string) func(string, string) map[string]any {
			return func(review, _ string) map[string]any { return shop("DELETE", "/products/reviews/"+review, mode) }
		}, func(who person, review string) answer {
			return shared.call(t, "DELETE", "/review/"+review+"/", who.token, nil)
		}, true},
	} {
		for _, mode := range []string{"error", "drop"} {
			run(t, name, mode, step.bad(mode), step.do)
		}
		if step.hang {
			t.Run(name+", hang", func(t *testing.T) { // paths of their own
				t.Parallel()
				run(t, name, "hang", step.bad("hang"), step.do)
			})
		}
	}
}
