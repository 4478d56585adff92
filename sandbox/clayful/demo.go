package clayful

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"time"

	"github.com/jackc/pgx/v5"
)

// Groups of the demo shop.
const (
	DemoInfluencers = "GRPZNFUENCER"
	DemoMembers     = "GRPMEMBER234"
)

type person struct {
	id, userID, alias, group, password string
	followers                          float64
	stream                             string // suffix of the demo stream's ids
}

var people = []person{
	{"STAR2222AAA2", "star1", "별하나", DemoInfluencers, "star1234!", 120, ""},
	{"STAR2222AAA3", "star2", "별둘", DemoInfluencers, "star1234!", 45, "Star2"},
	{"STAR2222AAA4", "star3", "별셋", DemoInfluencers, "star1234!", 300, "Star3"},
	{"DEM222222AA2", "demo", "데모", DemoMembers, "demo1234!", 0, ""},
	{"DEM222222AA3", "demo2", "데모둘", DemoMembers, "demo1234!", 0, ""},
}

// Reset forgets everything and puts the demo shop back.
func (s *Server) Reset(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "TRUNCATE sandbox_clayful.document, sandbox_clayful.verification, sandbox_clayful.mail, "+
			"sandbox_clayful.picture, sandbox_clayful.opinion"); err != nil {
			return err
		}
		if !s.config.Demo {
			return nil
		}
		for id, name := range map[string]string{DemoInfluencers: "인플루언서", DemoMembers: "회원"} {
			if err := s.insert(ctx, tx, "groups", named(id, name), nil); err != nil {
				return err
			}
		}
		for _, p := range people {
			if err := s.insertPerson(ctx, tx, p); err != nil {
				return fmt.Errorf("demo customer %s: %w", p.userID, err)
			}
		}
		if err := s.insertProducts(ctx, tx); err != nil {
			return err
		}
		if err := s.insertShop(ctx, tx); err != nil {
			return err
		}
		return s.insertOrders(ctx, tx)
	})
}

func named(id, name string) document {
	now := stamp(time.Now())
	return document{
		"_id": id, "slug": id, "name": map[string]any{"ko": name}, "meta": map[string]any{}, "createdAt": now, "updatedAt": now,
	}
}

func (s *Server) insertPerson(ctx context.Context, tx pgx.Tx, p person) error {
	d, secret := newCustomer(), map[string]string{}
	err := credentials(d, document{"userId": p.userID, "email": p.userID + "@byeolshow.example", "password": p.password}, secret)
	if err != nil {
		return err
	}
	meta := map[string]any{"active": true}
	if p.group == DemoInfluencers {
		meta["Follower"], meta["description"], meta["tag"] = p.followers, p.alias+"의 라이브", []any{"뷰티", "패션"}
		meta["youtube"], meta["instagram"], meta["thumbnail_url"] = "https://youtube.example/"+p.userID, "https://instagram.example/"+p.userID, ""
	}
	if p.stream != "" {
		meta["Stream_id"], meta["Stream_key"], meta["Stream_url"] = "demoStream"+p.stream, "demo-key-"+p.stream, "demoPlay"+p.stream
	}
	d["_id"], d["alias"], d["groups"], d["meta"] = p.id, p.alias, []any{p.group}, meta
	d["name"] = map[string]any{"first": p.alias, "last": nil, "full": p.alias}
	d["country"], d["language"], d["currency"], d["timezone"] = "KR", "ko", "KRW", "Asia/Seoul"
	return s.insert(ctx, tx, "customers", d, secret)
}

// The demo shop's shelves: two levels of collections, and vendors.
var (
	collections = [][2]string{ // id, parent
		{"CCBEAUTY2222", ""}, {"CCSKNCARE222", "CCBEAUTY2222"}, {"CCMAKEUP2222", "CCBEAUTY2222"},
		{"CCFASHXN2222", ""}, {"CCBAGS222222", "CCFASHXN2222"}, {"CCSHXES22222", "CCFASHXN2222"},
	}
	collectionNames = []string{"뷰티", "스킨케어", "메이크업", "패션", "가방", "신발"}
	vendors         = [][2]string{{"VENDER222AA2", "별공방"}, {"VENDER222AA3", "달마켓"}, {"VENDER222AA4", "해상회"}}
)

const demoProducts = 60

// DemoProduct is the id of the demo shop's n-th product, from 1.
func DemoProduct(n int) string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	return "PRDUCT2222" + string(letters[n/len(letters)]) + string(letters[n%len(letters)])
}

// DemoVariant is the id of that product's first variant.
func DemoVariant(n int) string { return "V" + DemoProduct(n)[1:] }

func (s *Server) insertProducts(ctx context.Context, tx pgx.Tx) error {
	for i, c := range collections {
		d := named(c[0], collectionNames[i])
		d["parent"] = nil
		if c[1] != "" {
			d["parent"] = c[1]
		}
		if err := s.insert(ctx, tx, "collections", d, nil); err != nil {
			return err
		}
	}
	for _, v := range vendors {
		if err := s.insert(ctx, tx, "vendors", named(v[0], v[1]), nil); err != nil {
			return err
		}
	}
	for n := 1; n <= demoProducts; n++ {
		d := product(n)
		if err := s.insertPicture(ctx, tx, fmt.Sprint(d["thumbnail"]), n); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, "products", d, nil); err != nil {
			return err
		}
	}
	return nil
}

// insertPicture makes the n-th product's thumbnail: a patch of colour.
func (s *Server) insertPicture(ctx context.Context, tx pgx.Tx, id string, n int) error {
	hue := func(shift int) uint8 { return uint8(64 + (n*37+shift)%160) } //nolint:gosec // it fits
	patch := image.NewPaletted(image.Rect(0, 0, 240, 240), color.Palette{color.RGBA{hue(0), hue(53), hue(107), 255}})
	var file bytes.Buffer
	if err := png.Encode(&file, patch); err != nil {
		return fmt.Errorf("draw picture: %w", err)
	}
	now := stamp(time.Now())
	d := document{
		"_id": id, "model": "Product", "application": "thumbnail", "name": "image.png", "version": 1.0, "customer": nil,
		"meta": map[string]any{}, "createdAt": now, "updatedAt": now,
	}
	if err := s.insert(ctx, tx, "images", d, nil); err != nil {
		return err
	}
	return keepPicture(ctx, tx, id, "image/png", file.Bytes())
}

// product is the n-th of the demo shop: every third is discounted, by a share
// or by an amount in turn; every fifth has little stock.
func product(n int) document {
	d := named(DemoProduct(n), fmt.Sprintf("별쇼 상품 %02d", n))
	collection := collections[n%len(collections)]
	path, ids := []any{collection[0]}, []any{collection[0]}
	if collection[1] != "" {
		path, ids = []any{collection[1], collection[0]}, []any{collection[1], collection[0]}
	}
	original := float64(9900 + 1000*n)
	discount := map[string]any{"type": nil, "value": nil, "discounted": float64(0)}
	sale := original
	switch {
	case n%6 == 0:
		discount = map[string]any{"type": "percentage", "value": float64(10), "discounted": original / 10}
		sale = original - original/10
	case n%3 == 0:
		discount = map[string]any{"type": "fixed", "value": float64(1000), "discounted": float64(1000)}
		sale = original - 1000
	}
	var stock any
	if n%5 == 0 {
		stock = float64(n % 4)
	}
	prices := func() map[string]any { return map[string]any{"original": original, "sale": sale} }
	for key, value := range map[string]any{
		"type": "tangible", "summary": map[string]any{"ko": "라이브 특가"}, "description": map[string]any{"ko": "<p>상품 설명</p>"},
		"keywords": map[string]any{"ko": ""}, "price": prices(), "discount": discount,
		"shipping": map[string]any{"methods": []any{}, "calculation": "bundled"},
		"rating":   map[string]any{"count": float64(0), "sum": float64(0), "average": float64(0)}, "totalReview": float64(0),
		"bundled": false, "available": true, "brand": nil, "vendor": vendors[n%len(vendors)][0],
		"thumbnail": fmt.Sprintf("MAGE2222%04d", n), "taxCategories": []any{}, "options": []any{}, "bundles": []any{}, "notices": []any{},
		"collections": []any{map[string]any{"path": path}}, "collectionIDs": ids, "catalogs": []any{},
		"variants": []any{map[string]any{
			"_id": DemoVariant(n), "sku": fmt.Sprintf("SKU-%03d", n), "available": true, "thumbnail": nil, "quantity": stock,
			"types": []any{}, "price": prices(), "discount": discount, "weight": nil, "width": nil, "height": nil, "depth": nil,
		}},
		"meta": map[string]any{"my_vod": []any{}, "IsDomestic": true},
	} {
		d[key] = value
	}
	shelve(n, d)
	return d
}
