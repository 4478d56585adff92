package clayful_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/byeolshow/byeolshow/embedded/embeddedtest"
	"github.com/byeolshow/byeolshow/sandbox/clayful"
	"github.com/byeolshow/byeolshow/sandbox/webhook"
)

// counter is a shop as its clients see it.
type counter struct {
	t       *testing.T
	handler http.Handler
	token   string // of a customer
}

func newCounter(t *testing.T, config clayful.Config) counter {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), embeddedtest.Database(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	require.NoError(t, webhook.Migrate(t.Context(), pool))
	config.Demo, config.Logger = true, slog.New(slog.DiscardHandler)
	config.BackendToken, config.TokenSecret, config.ImageURL = "backend", []byte("secret"), "http://shop"
	shop, err := clayful.New(t.Context(), pool, config)
	require.NoError(t, err)
	return counter{t, shop.Routes(), ""}
}

func (c counter) ask(method, path string, body io.Reader, contentType string) (int, any) {
	c.t.Helper()
	r := httptest.NewRequest(method, "/v1"+path, body)
	r.Header.Set("Authorization", "Bearer backend")
	r.Header.Set("Content-Type", contentType)
	if c.token != "" {
		r.Header.Set("Authorization-Customer", c.token)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	var answer any
	if w.Body.Len() > 0 {
		require.NoError(c.t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
	}
	return w.Code, answer
}

// do asks, and answers with the object that came.
func (c counter) do(method, path string, body any) (int, map[string]any) {
	c.t.Helper()
	text, err := json.Marshal(body)
	require.NoError(c.t, err)
	status, answer := c.ask(method, path, bytes.NewReader(text), "application/json")
	object, _ := answer.(map[string]any)
	return status, object
}

func (c counter) refused(status int, code, method, path string, body any) {
	c.t.Helper()
	got, answer := c.do(method, path, body)
	require.Equal(c.t, status, got, "%s %s: %v", method, path, answer)
	require.Equal(c.t, code, answer["errorCode"], "%s %s", method, path)
}

func (c counter) logIn(userID, password string) counter {
	c.t.Helper()
	status, auth := c.do("POST", "/customers/auth", map[string]string{"userId": userID, "password": password})
	require.Equal(c.t, 200, status)
	c.token = auth["token"].(string)
	return c
}

const gifHead = "GIF89a\x01\x00\x01\x00\x80\x00\x00"

// image sends an image.
func (c counter) image(method, path, model, application, content string) (int, map[string]any) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(c.t, form.WriteField("model", model))
	require.NoError(c.t, form.WriteField("application", application))
	part, err := form.CreateFormFile("file", "a b.gif")
	require.NoError(c.t, err)
	_, err = io.WriteString(part, content)
	require.NoError(c.t, err)
	require.NoError(c.t, form.Close())
	status, answer := c.ask(method, path, &body, form.FormDataContentType())
	object, _ := answer.(map[string]any)
	return status, object
}

func (c counter) newImage(path, model, application string) string {
	c.t.Helper()
	status, image := c.image("POST", path, model, application, gifHead)
	require.Equal(c.t, 201, status, image)
	return image["_id"].(string)
}

func TestImagesFitTheirFields(t *testing.T) {
	t.Parallel()
	shop := newCounter(t, clayful.Config{})
	demo, other := shop.logIn("demo", "demo1234!"), shop.logIn("demo2", "demo1234!")
	for _, wrong := range [][3]string{
		{"Nothing", "avatar", gifHead}, {"Customer", "logo", gifHead}, {"Customer", "avatar", "<svg/>"}, {"Customer", "avatar", ""},
	} {
		status, _ := demo.image("POST", "/me/images", wrong[0], wrong[1], wrong[2])
		require.Equal(t, 400, status, wrong)
	}
	demo.refused(400, "validation", "POST", "/me/images", map[string]string{"model": "Customer"})

	avatar, review := demo.newImage("/me/images", "Customer", "avatar"), demo.newImage("/me/images", "Review", "images")
	theirs, meta := other.newImage("/me/images", "Customer", "avatar"), demo.newImage("/me/images", "Customer", "meta")
	logo := shop.newImage("/images", "Brand", "logo")
	for code, id := range map[string]string{
		"invalid-model-image": review, "invalid-field-image": meta, "not-existing-image-relation": theirs, "validation": "",
	} {
		body := map[string]any{"avatar": id}
		if id == "" {
			body["avatar"] = 5
		}
		demo.refused(400, code, "PUT", "/me", body)
	}
	demo.refused(400, "invalid-meta-image", "PUT", "/me", map[string]any{"meta": map[string]any{"card": avatar}})
	status, _ := demo.do("PUT", "/me", map[string]any{"avatar": avatar, "meta": map[string]any{"card": meta}})
	require.Equal(t, 200, status)
	shop.refused(400, "invalid-field-image", "POST", "/brands", map[string]any{"name": map[string]any{"ko": "b"}, "thumbnail": logo})
	shop.refused(400, "invalid-model-image", "POST", "/vendors", map[string]any{"name": map[string]any{"ko": "v"}, "logo": logo})
	status, _ = shop.do("POST", "/brands", map[string]any{"name": map[string]any{"ko": "b"}, "logo": logo})
	require.Equal(t, 201, status)

	_, me := demo.do("GET", "/me", nil)
	url := me["avatar"].(map[string]any)["url"].(string)
	require.Equal(t, "http://shop/stores/SANDBOX.local/images/"+avatar+"/v1/a%20b.gif", url)
	demo.refused(404, "not-existing-image", "GET", "/me/images/"+theirs, nil)
	demo.refused(404, "not-existing-image", "DELETE", "/me/images/"+theirs, nil)
	status, changed := demo.image("PUT", "/me/images/"+avatar, "Customer", "avatar", gifHead+"x")
	require.Equal(t, 200, status)
	require.Contains(t, changed["url"], "/v2/")
	w := httptest.NewRecorder()
	shop.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.TrimPrefix(changed["url"].(string), "http://shop"), nil))
	require.Equal(t, gifHead+"x", w.Body.String())
	require.Equal(t, "image/gif", w.Header().Get("Content-Type"))
	_, count := demo.do("GET", "/me/images/count?raw=true&application=avatar", nil)
	require.InDelta(t, 1, count["count"], 0)
	_, count = shop.do("GET", "/images/count?raw=true&model=Brand", nil)
	require.InDelta(t, 1, count["count"], 0)
	status, _ = demo.do("DELETE", "/me/images/"+avatar, nil)
	require.Equal(t, 204, status)
	_, me = demo.do("GET", "/me", nil)
	require.Nil(t, me["avatar"], "deleted")
}

func TestReviewsVotesAndComments(t *testing.T) {
	t.Parallel()
	shop := newCounter(t, clayful.Config{})
	demo, other := shop.logIn("demo", "demo1234!"), shop.logIn("demo2", "demo1234!")
	product := clayful.DemoProduct(1)
	image := demo.newImage("/me/images", "Review", "images")
	avatar := demo.newImage("/me/images", "Customer", "avatar")
	write := map[string]any{"product": product, "title": "t", "body": "b", "images": []string{image}, "rating": 4.5}
	for _, wrong := range []struct {
		code string
		with map[string]any
	}{
		{"not-existing-product-relation", map[string]any{"product": "nothing"}},
		{"not-existing-order-relation", map[string]any{"order": "nothing"}},
		{"invalid-model-image", map[string]any{"images": []string{avatar}}},
		{"not-existing-image-relation", map[string]any{"images": []string{"nothing"}}},
		{"validation", map[string]any{"images": []string{image, image}}},
		{"validation", map[string]any{"rating": 6}},
		{"validation", map[string]any{"title": ""}},
		{"validation", map[string]any{"published": false}},
	} {
		body := map[string]any{}
		for _, from := range []map[string]any{write, wrong.with} {
			for key, value := range from {
				body[key] = value
			}
		}
		demo.refused(400, wrong.code, "POST", "/me/products/reviews", body)
	}
	other.refused(400, "not-existing-image-relation", "POST", "/me/products/reviews", write)
	status, review := demo.do("POST", "/me/products/reviews", write)
	require.Equal(t, 201, status, review)
	id := review["_id"].(string)
	base := "/products/reviews/" + id
	other.refused(404, "not-existing-review", "PUT", "/me"+base, map[string]any{"title": "x"})
	other.refused(404, "not-existing-review", "DELETE", "/me"+base, nil)

	for range 2 {
		status, _ = other.do("POST", "/me"+base+"/helped/up", nil)
	}
	require.Equal(t, 400, status)
	other.refused(400, "duplicated-vote", "POST", "/me"+base+"/helped/down", nil)
	status, _ = shop.do("POST", base+"/helped/down", map[string]string{"customer": "STAR2222AAA2"})
	require.Equal(t, 200, status)
	status, _ = other.do("POST", "/me"+base+"/flags", nil)
	require.Equal(t, 200, status)
	other.refused(400, "duplicated-flag", "POST", "/me"+base+"/flags", nil)
	other.refused(404, "not-existing-vote", "DELETE", "/me"+base+"/helped/down", nil)

	other.refused(400, "validation", "POST", "/me/products/reviews/comments", map[string]any{"review": id})
	other.refused(400, "not-existing-review-relation", "POST", "/me/products/reviews/comments", map[string]any{"review": "x", "body": "b"})
	status, comment := other.do("POST", "/me/products/reviews/comments", map[string]any{"review": id, "body": "고마워요"})
	require.Equal(t, 201, status, comment)
	commentPath := "/products/reviews/comments/" + comment["_id"].(string)
	demo.refused(404, "not-existing-review-comment", "DELETE", "/me"+commentPath, nil)
	_, shown := shop.do("GET", commentPath, nil)
	require.Equal(t, map[string]any{"_id": id, "title": "t"}, shown["review"])

	_, shown = shop.do("GET", "/products/reviews/published/"+id, nil)
	raw := func(path ...string) any {
		var value any = shown
		for _, name := range append(path, "raw") {
			value = value.(map[string]any)[name]
		}
		return value
	}
	require.InDelta(t, 1, raw("helped", "up"), 0)
	require.InDelta(t, 1, raw("helped", "down"), 0)
	require.InDelta(t, 1, raw("flagged", "total"), 0)
	require.InDelta(t, 1, raw("totalComment"), 0)
	require.InDelta(t, 4.5, raw("rating"), 0)
	require.NotNil(t, raw("commentedAt"))
	require.Equal(t, product, shown["product"].(map[string]any)["_id"])
	require.Equal(t, "데모", shown["customer"].(map[string]any)["alias"])
	_, rated := shop.do("GET", "/products/"+product+"?raw=true", nil)
	require.Equal(t, map[string]any{"count": 1.0, "sum": 4.5, "average": 4.5}, rated["rating"])

	status, _ = demo.do("DELETE", "/me/images/"+image, nil)
	require.Equal(t, 204, status)
	_, shown = shop.do("GET", "/products/reviews/published/"+id, nil)
	require.Equal(t, []any{nil}, shown["images"], "a deleted image leaves a gap")
	status, _ = shop.do("PUT", base, map[string]any{"published": false})
	require.Equal(t, 200, status)
	shop.refused(404, "not-existing-review", "GET", "/products/reviews/published/"+id, nil)
	_, count := shop.do("GET", "/products/reviews/published/count?raw=true&product="+product, nil)
	require.InDelta(t, 0, count["count"], 0)
	_, count = shop.do("GET", "/products/reviews/count?raw=true&product="+product, nil)
	require.InDelta(t, 1, count["count"], 0)
	status, _ = demo.do("DELETE", "/me"+base, nil)
	require.Equal(t, 204, status)
	shop.refused(404, "not-existing-review-comment", "GET", commentPath, nil)
}

func TestOnlyBuyersReview(t *testing.T) {
	t.Parallel()
	shop := newCounter(t, clayful.Config{BuyersReview: true})
	demo := shop.logIn("demo", "demo1234!")
	_, order := demo.do("GET", "/me/orders/XRDERDEM2201?raw=true", nil) // paid
	bought := order["items"].([]any)[0].(map[string]any)["product"]
	shop.logIn("demo2", "demo1234!").refused(400, "not-purchased-product", "POST", "/me/products/reviews", map[string]any{"product": bought, "title": "t", "body": "b"})
	status, review := demo.do("POST", "/me/products/reviews", map[string]any{"order": order["_id"], "product": bought, "title": "t", "body": "b"})
	require.Equal(t, 201, status, review)
	_, order = demo.do("GET", "/me/orders/XRDERDEM2201", nil)
	require.Equal(t, []any{map[string]any{"_id": review["_id"], "title": "t"}}, order["reviews"])
	status, _ = demo.do("DELETE", "/me/products/reviews/"+review["_id"].(string), nil)
	require.Equal(t, 204, status)
	_, order = demo.do("GET", "/me/orders/XRDERDEM2201", nil)
	require.Empty(t, order["reviews"])
}
