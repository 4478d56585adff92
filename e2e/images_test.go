package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// part is one of a form: a text, or a file when it has a name.
type part struct {
	field, name, contentType string
	content                  []byte
}

func text(field, value string) part { return part{field: field, content: []byte(value)} }

func file(field string, content []byte) part {
	return part{field, "사진.jpg", "image/jpeg", content}
}

// form is a multipart body, and its content type.
func form(t *testing.T, parts ...part) ([]byte, string) {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		header := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + p.field + `"`}}
		if p.name != "" {
			header = textproto.MIMEHeader{"Content-Disposition": {multipart.FileContentDisposition(p.field, p.name)}, "Content-Type": {p.contentType}}
		}
		out, err := w.CreatePart(header)
		require.NoError(t, err)
		_, err = out.Write(p.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return body.Bytes(), w.FormDataContentType()
}

// send sends a form.
func (p person) send(t *testing.T, method, path string, parts ...part) answer {
	t.Helper()
	body, contentType := form(t, parts...)
	return call(t, method, "http://"+shared.api+path, p.token, body, "Content-Type", contentType)
}

// canvas is a picture of one colour.
func canvas(shade uint8) image.Image {
	return image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{color.Gray{shade}})
}

func pngFile(t *testing.T, shade uint8) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, canvas(shade)))
	return b.Bytes()
}

func jpegFile(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, canvas(9), nil))
	return b.Bytes()
}

func gifFile(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gif.Encode(&b, canvas(9), nil))
	return b.Bytes()
}

func webpFile(t *testing.T) []byte {
	t.Helper()
	content, err := base64.StdEncoding.DecodeString("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
	require.NoError(t, err)
	return content
}

// bomb is a PNG's head that promises more pixels than anybody can hold.
func bomb(width, height uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	head = append(binary.BigEndian.AppendUint32(head, height), 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	return binary.BigEndian.AppendUint32(append(b, head...), crc32.ChecksumIEEE(head))
}

// stored are the images the shop has of a customer.
func stored(t *testing.T, customer string) []map[string]any {
	t.Helper()
	return shopGet(t, "/images?limit=120&raw=true&customer="+customer).list(t)
}

// customer is a member as the shop has them.
func (p person) customer(t *testing.T) map[string]any {
	t.Helper()
	return shopGet(t, "/customers/"+p.id).object(t)
}

func (p person) thumbnail(t *testing.T) string {
	t.Helper()
	url, _ := p.customer(t)["meta"].(map[string]any)["thumbnail_url"].(string)
	return url
}

// avatar is the member's avatar, nil when there is none.
func (p person) avatar(t *testing.T) map[string]any {
	t.Helper()
	avatar, _ := p.customer(t)["avatar"].(map[string]any)
	return avatar
}

// requireShown sees that a URL shows a file.
func requireShown(t *testing.T, url string, content []byte, contentType string) {
	t.Helper()
	got := call(t, "GET", url, "", nil)
	require.Equal(t, 200, got.status, url)
	require.Equal(t, contentType, got.header.Get("Content-Type"))
	require.Equal(t, content, got.body)
}

func (p person) setAvatar(t *testing.T, content []byte) answer {
	t.Helper()
	return p.send(t, "POST", "/images/", file("file", content))
}

func (p person) setThumbnail(t *testing.T, content []byte) answer {
	t.Helper()
	return p.send(t, "POST", "/images/influencer/", file("file", content))
}

func requireDone(t *testing.T, got answer) {
	t.Helper()
	require.Equal(t, 202, got.status, string(got.body))
	require.NotEmpty(t, got.object(t)["success"].(map[string]any)["message"])
}

func TestImagesGet(t *testing.T) {
	who := shared.newPerson(t, influencers)
	require.JSONEq(t, `{"success":{"data":[]}}`, string(shared.call(t, "GET", "/images/", who.token, nil).body))
	requireDone(t, who.setAvatar(t, pngFile(t, 1)))
	requireDone(t, who.setThumbnail(t, pngFile(t, 2)))
	got := shared.call(t, "GET", "/images/", who.token, nil)
	require.Equal(t, 200, got.status)
	data := got.object(t)["success"].(map[string]any)["data"].([]any)
	require.Len(t, data, 2)
	for _, element := range data {
		shown := element.(map[string]any)
		require.NotEmpty(t, shown["_id"])
		require.Equal(t, "Customer", shown["model"])
		require.Equal(t, "avatar", shown["application"])
		require.Equal(t, 200, call(t, "GET", shown["url"].(string), "", nil).status)
	}
	require.JSONEq(t, `{"success":{"data":[]}}`, string(shared.call(t, "GET", "/images/", shared.newPerson(t, members).token, nil).body), "others' are not shown")
}

func TestImagesPost(t *testing.T) {
	who := shared.newPerson(t, members)
	got := who.send(t, "POST", "/images/", part{"file", "../../evil.html", "text/html", pngFile(t, 1)})
	requireDone(t, got)
	avatar := who.avatar(t)
	require.NotContains(t, avatar["url"], "evil")
	requireShown(t, avatar["url"].(string), pngFile(t, 1), "image/png")

	for contentType, content := range map[string][]byte{"image/jpeg": jpegFile(t), "image/webp": webpFile(t), "image/png": pngFile(t, 2)} {
		requireDone(t, who.setAvatar(t, content))
		now := who.avatar(t)
		require.Equal(t, avatar["_id"], now["_id"], "replaced, not added")
		require.NotEqual(t, avatar["url"], now["url"])
		requireShown(t, now["url"].(string), content, contentType)
		require.Equal(t, 404, call(t, "GET", avatar["url"].(string), "", nil).status, "the old file is gone")
		avatar = now
	}
	require.Len(t, stored(t, who.id), 1)
	star := shared.newSeller(t)
	show, _ := star.reserveIn(t, time.Hour)
	list := func() map[string]any {
		everybody := shared.call(t, "GET", "/influencer/list/new/", "", nil).object(t)["success"].(map[string]any)["Influencer_List"].([]any)
		for _, one := range everybody {
			if one.(map[string]any)["_id"] == star.id {
				return one.(map[string]any)
			}
		}
		return nil
	}
	list()
	requireDone(t, star.setAvatar(t, pngFile(t, 3)))
	require.Equal(t, star.avatar(t)["url"], list()["avatar"], "shown at once, as a URL")
	require.Equal(t, star.avatar(t)["url"], shared.media(t, show)["influencer_thunmbnail"], "in what was reserved before, too")
	requireDone(t, star.setAvatar(t, pngFile(t, 4)))
	require.Equal(t, star.avatar(t)["url"], shared.media(t, show)["influencer_thunmbnail"])
	requireDone(t, shared.call(t, "DELETE", "/images/", star.token, nil))
	require.Empty(t, shared.media(t, show)["influencer_thunmbnail"])

	t.Run("refused", func(t *testing.T) {
		big := append(pngFile(t, 1), make([]byte, 10<<20)...)
		for name, refused := range map[string]struct {
			parts  []part
			status int
		}{
			"no file":                {nil, 400},
			"another field":          {[]part{file("image", pngFile(t, 1))}, 400},
			"a text":                 {[]part{text("file", "data:image/png;base64,AAAA")}, 400},
			"two files":              {[]part{file("file", pngFile(t, 1)), file("file", pngFile(t, 2))}, 400},
			"an empty file":          {[]part{file("file", nil)}, 400},
			"a GIF named .jpg":       {[]part{file("file", gifFile(t))}, 400},
			"an SVG":                 {[]part{{"file", "x.png", "image/png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)}}, 400},
			"HTML":                   {[]part{{"file", "x.png", "image/png", []byte("<html><script>")}}, 400},
			"half a head":            {[]part{file("file", pngFile(t, 1)[:20])}, 400},
			"30,000 by 30,000":       {[]part{file("file", bomb(30000, 30000))}, 400},
			"no pixels":              {[]part{file("file", bomb(0, 10))}, 400},
			"above 10 MiB":           {[]part{file("file", big)}, 413},
			"20 MiB":                 {[]part{file("file", append(big, big...))}, 413},
			"80 MiB":                 {[]part{file("other", make([]byte, 80<<20))}, 413},
			"a text of a megabyte":   {[]part{text("note", strings.Repeat("x", 1<<20))}, 413},
			"a hundred fields":       {slicesOf(100, text("note", "x")), 400},
			"a good and a bad image": {[]part{file("file", pngFile(t, 1)), file("file", gifFile(t))}, 400},
		} {
			bad := shared.newPerson(t, influencers)
			for _, path := range []string{"/images/", "/images/influencer/"} {
				got := bad.send(t, "POST", path, refused.parts...)
				require.Equal(t, refused.status, got.status, "%s: %s", name, got.body)
				requireError(t, got, name)
			}
			require.Empty(t, stored(t, bad.id), name)
			require.Nil(t, bad.avatar(t), name)
		}
		got := call(t, "POST", "http://"+shared.api+"/images/", who.token, []byte("--x\r\nbroken"), "Content-Type", "multipart/form-data; boundary=x")
		require.Equal(t, 400, got.status)
		got = call(t, "POST", "http://"+shared.api+"/images/", who.token, []byte("x"), "Content-Type", "multipart/form-data")
		require.Equal(t, 400, got.status, "no boundary")
	})
	t.Run("20 a minute", func(t *testing.T) {
		busy := shared.newPerson(t, members)
		for range 20 {
			require.Equal(t, 400, busy.setAvatar(t, gifFile(t)).status)
		}
		got := busy.setAvatar(t, pngFile(t, 1))
		require.Equal(t, 429, got.status)
		require.NotEmpty(t, got.header.Get("Retry-After"))
		requireError(t, got, "too often")
		requireDone(t, shared.newPerson(t, members).setAvatar(t, pngFile(t, 1)))
	})
	t.Run("in parallel", func(t *testing.T) {
		eager := shared.newPerson(t, members)
		atOnce(8, func(i int) { require.Equal(t, 202, eager.setAvatar(t, pngFile(t, uint8(i))).status) })
		require.Len(t, stored(t, eager.id), 1)
	})
}

func slicesOf(n int, p part) []part {
	parts := make([]part, n)
	for i := range parts {
		parts[i] = p
	}
	return parts
}

func TestImagesDelete(t *testing.T) {
	who := shared.newPerson(t, influencers)
	got := shared.call(t, "DELETE", "/images/", who.token, nil)
	require.Equal(t, 400, got.status)
	requireError(t, got, "no avatar")
	requireDone(t, who.setThumbnail(t, pngFile(t, 1)))
	require.Equal(t, 400, shared.call(t, "DELETE", "/images/", who.token, nil).status, "a background is no avatar")
	requireDone(t, who.setAvatar(t, pngFile(t, 2)))
	require.Len(t, stored(t, who.id), 2)
	url := who.avatar(t)["url"].(string)
	requireDone(t, shared.call(t, "DELETE", "/images/", who.token, nil))
	require.Nil(t, who.avatar(t))
	require.Len(t, stored(t, who.id), 1)
	require.Equal(t, 404, call(t, "GET", url, "", nil).status)
	requireShown(t, who.thumbnail(t), pngFile(t, 1), "image/png")
	require.Equal(t, 400, shared.call(t, "DELETE", "/images/", who.token, nil).status, "again")
}

func TestInfluencer4Thumbnail(t *testing.T) {
	require.Equal(t, 401, shared.newPerson(t, members).setThumbnail(t, pngFile(t, 1)).status)
	star := shared.newPerson(t, influencers)
	requireDone(t, shared.call(t, "DELETE", "/images/influencer/", star.token, nil)) // nothing there
	requireDone(t, star.setThumbnail(t, pngFile(t, 1)))                              // 0 images: added
	first := stored(t, star.id)
	require.Len(t, first, 1)
	require.Equal(t, first[0]["url"], star.thumbnail(t))
	require.Nil(t, star.avatar(t))
	info := shared.call(t, "GET", "/influencer/info/?influencer_id="+star.id, "", nil).object(t)["success"].(map[string]any)["data"].(map[string]any)
	require.Equal(t, star.thumbnail(t), info["thumbnail_url"])

	requireDone(t, star.setThumbnail(t, pngFile(t, 2))) // 1 and no avatar: replaced
	now := stored(t, star.id)
	require.Len(t, now, 1)
	require.Equal(t, first[0]["_id"], now[0]["_id"])
	requireShown(t, star.thumbnail(t), pngFile(t, 2), "image/png")

	requireDone(t, star.setAvatar(t, pngFile(t, 3)))
	requireDone(t, star.setThumbnail(t, pngFile(t, 4))) // 2: the one that is not the avatar
	require.Len(t, stored(t, star.id), 2)
	requireShown(t, star.thumbnail(t), pngFile(t, 4), "image/png")
	requireShown(t, star.avatar(t)["url"].(string), pngFile(t, 3), "image/png")

	url := star.thumbnail(t)
	requireDone(t, shared.call(t, "DELETE", "/images/influencer/", star.token, nil))
	require.Empty(t, star.thumbnail(t))
	require.Equal(t, 404, call(t, "GET", url, "", nil).status)
	require.Len(t, stored(t, star.id), 1)
	requireShown(t, star.avatar(t)["url"].(string), pngFile(t, 3), "image/png")
	requireDone(t, star.setThumbnail(t, pngFile(t, 5))) // 1, the avatar: added
	require.Len(t, stored(t, star.id), 2)
	requireShown(t, star.avatar(t)["url"].(string), pngFile(t, 3), "image/png")
}

// requireTidy sees that in the end every image of a member is shown by
// something, and that what is shown is there.
func requireTidy(t *testing.T, who person, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		shown := map[string]bool{}
		if avatar := who.avatar(t); avatar != nil {
			shown[avatar["_id"].(string)] = true
		}
		thumbnail := who.thumbnail(t)
		for _, review := range shopGet(t, "/products/reviews?limit=120&raw=true&customer="+who.id).list(t) {
			for _, id := range review["images"].([]any) {
				shown[id.(string)] = true
			}
		}
		images := stored(t, who.id)
		for _, image := range images {
			if image["url"] == thumbnail {
				thumbnail = ""
				shown[image["_id"].(string)] = true
			}
			if !shown[image["_id"].(string)] {
				return false
			}
		}
		return thumbnail == "" && len(shown) == len(images)
	}, 40*time.Second, 100*time.Millisecond, "%s: %v, avatar %v, thumbnail %q", name, stored(t, who.id), who.avatar(t), who.thumbnail(t))
}

// TestImageStepsOnBadDays has every call that changes something fail in every
// way: no image is left that nothing shows, and none is lost that was shown.
func TestImageStepsOnBadDays(t *testing.T) {
	shop := func(method, path string) map[string]any {
		return map[string]any{"vendor": "clayful", "method": method, "path": "/v1" + path, "times": 1}
	}
	type step struct {
		method, path string // of the call that fails; {id} is the member, {avatar} and {background} their images
		do           func(who person) answer
		avatar       bool // they have one before
		background   bool
	}
	avatar := func(who person) answer { return who.setAvatar(t, pngFile(t, 9)) }
	thumbnail := func(who person) answer { return who.setThumbnail(t, pngFile(t, 9)) }
	remove := func(path string) func(person) answer {
		return func(who person) answer { return shared.call(t, "DELETE", path, who.token, nil) }
	}
	steps := map[string]step{
		"keep an avatar":         {"POST", "/me/images", avatar, false, true},
		"show an avatar":         {"PUT", "/me", avatar, false, true},
		"replace an avatar":      {"PUT", "/me/images/{avatar}", avatar, true, true},
		"hide an avatar":         {"PUT", "/me", remove("/images/"), true, true},
		"delete an avatar":       {"DELETE", "/me/images/{avatar}", remove("/images/"), true, true},
		"keep a background":      {"POST", "/me/images", thumbnail, true, false},
		"show a background":      {"PUT", "/customers/{id}", thumbnail, true, false},
		"replace a background":   {"PUT", "/me/images/{background}", thumbnail, true, true},
		"show the replacement":   {"PUT", "/customers/{id}", thumbnail, true, true},
		"hide a background":      {"PUT", "/customers/{id}", remove("/images/influencer/"), true, true},
		"delete a background":    {"DELETE", "/me/images/{background}", remove("/images/influencer/"), true, true},
		"refuse to show it":      {"PUT", "/me", avatar, false, false},
		"refuse the replacement": {"PUT", "/customers/{id}", thumbnail, false, true},
	}
	// prepare makes a member, and answers what to do on their bad day.
	prepare := func(t *testing.T, name, mode string) func(*testing.T) {
		t.Helper()
		s := steps[name]
		who := shared.newPerson(t, influencers)
		var had, shown string
		if s.background {
			requireDone(t, who.setThumbnail(t, pngFile(t, 1)))
			shown = stored(t, who.id)[0]["_id"].(string)
		}
		if s.avatar {
			requireDone(t, who.setAvatar(t, pngFile(t, 2)))
			had = who.avatar(t)["_id"].(string)
		}
		return func(t *testing.T) {
			t.Helper()
			bad := shop(s.method, strings.NewReplacer("{id}", who.id, "{avatar}", had, "{background}", shown).Replace(s.path))
			bad["mode"] = mode
			if strings.HasPrefix(name, "refuse") {
				bad["status"] = 400
			}
			fault(t, bad)
			got := s.do(who)
			require.Contains(t, []int{202, 400, 503}, got.status, "%s, %s: %s", name, mode, got.body)
			switch {
			case mode == "drop":
				require.Equal(t, 202, got.status, "%s was carried out", name)
			case s.method != "DELETE" && strings.HasPrefix(name, "refuse"):
				require.Equal(t, 400, got.status, name)
			case s.method != "DELETE":
				require.Equal(t, 503, got.status, name)
			}
			if mode == "error" && !s.avatar && s.background {
				require.Len(t, stored(t, who.id), 1, "%s: nothing is left even for a moment", name)
			}
			requireTidy(t, who, name+", "+mode)
			if s.avatar && !strings.Contains(name, "avatar") {
				require.Equal(t, had, who.avatar(t)["_id"], "%s, %s: the avatar is lost", name, mode)
			}
			if s.background && strings.Contains(name, "avatar") {
				requireShown(t, who.thumbnail(t), pngFile(t, 1), "image/png")
			}
			if got.status != 202 && s.avatar && strings.Contains(name, "avatar") {
				requireShown(t, who.avatar(t)["url"].(string), pngFile(t, 2), "image/png")
			}
		}
	}
	for name := range steps {
		for _, mode := range []string{"error", "drop"} {
			if mode == "error" || !strings.HasPrefix(name, "refuse") {
				prepare(t, name, mode)(t)
			}
		}
	}
	t.Run("hang", func(t *testing.T) {
		for _, name := range []string{
			"keep an avatar", "replace an avatar", "show a background", "show the replacement", "delete a background",
		} {
			suffer := prepare(t, name, "hang")
			t.Run(name, func(t *testing.T) {
				if name != "keep an avatar" { // the others' calls are on paths of their own
					t.Parallel()
				}
				suffer(t)
			})
		}
	})
	t.Run("the API dies", func(t *testing.T) {
		who := shared.newPerson(t, members)
		bad := shop("PUT", "/me")
		bad["mode"] = "hang"
		fault(t, bad)
		body, contentType := form(t, file("file", pngFile(t, 9)))
		go func() {
			_, _ = try("POST", "http://"+shared.api+"/images/", who.token, body, "Content-Type", contentType)
		}()
		require.Eventually(t, func() bool { return len(stored(t, who.id)) == 1 }, 10*time.Second, 10*time.Millisecond)
		pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, shared.dir, "run", "api.pid")))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Eventually(t, func() bool {
			got, err := try("GET", "http://"+shared.api+"/ping/", "", nil)
			return err == nil && got.status == http.StatusOK
		}, 20*time.Second, 50*time.Millisecond)
		requireTidy(t, who, "the API died")
		require.Empty(t, stored(t, who.id))
	})
	require.Equal(t, "[]", strings.TrimSpace(string(shared.control(t, "GET", "/faults", nil).body)), "every fault was met")
}
