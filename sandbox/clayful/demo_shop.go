package clayful

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Ids of the demo shop.
const (
	DemoParcel        = "SHPMETHPARC2" // shipping methods
	DemoQuick         = "SHPMETHQVCK2"
	DemoIamport       = "PAYMETHZAMP2" // payment methods
	DemoTransfer      = "PAYMETHBANK2"
	demoVAT           = "TAXVAT222222"
	demoHouseBrand    = "BRAND222222A"
	demoSpecial       = "CATSPEC22222"
	demoCoupons       = 6
	demoRegion        = "제주"
	freeShippingAbove = 50000
)

// DemoCoupon is the id of the demo shop's n-th coupon, from 1: 1 and 2 are for
// a cart (3,000 won; 10 percent up to 5,000), 3 and 4 for a product (1,000 won;
// 20 percent), 5 for a cart above 100,000 won, 6 has expired.
func DemoCoupon(n int) string { return fmt.Sprintf("CXVPXN22222%d", n+1) }

// DemoVendor is the id of the demo shop's n-th vendor, from 1.
func DemoVendor(n int) string { return vendors[n-1][0] }

// insertShop puts in what the shop needs to sell: how it ships, taxes and is
// paid, its brands, catalogues and coupons.
func (s *Server) insertShop(ctx context.Context, tx pgx.Tx) error {
	put := func(model string, d document, fields map[string]any) error {
		for name, value := range fields {
			d[name] = value
		}
		return s.insert(ctx, tx, model, d, nil)
	}
	for id, name := range map[string]string{DemoParcel: "택배", DemoQuick: "퀵서비스"} {
		if err := put("shippingMethods", named(id, name), nil); err != nil {
			return err
		}
	}
	for slug, id := range map[string]string{"clayful-iamport": DemoIamport, "bank-transfer": DemoTransfer} {
		if err := put("paymentMethods", named(id, slug), map[string]any{"slug": slug}); err != nil {
			return err
		}
	}
	vat := []any{map[string]any{"country": "KR", "name": "VAT", "rate": 10.0}}
	if err := put("taxCategories", named(demoVAT, "부가가치세"), map[string]any{"slug": "vat", "rules": vat}); err != nil {
		return err
	}
	if err := put("brands", named(demoHouseBrand, "별쇼"), map[string]any{"thumbnail": nil, "logo": nil}); err != nil {
		return err
	}
	if err := put("currencies", document{"_id": "CVRRENCYKRW2", "slug": "krw"}, map[string]any{
		"code": "KRW", "symbol": "원", "format": "{price}{symbol}", "precision": 0.0, "delimiter": map[string]any{"thousands": ",", "decimal": "."},
	}); err != nil {
		return err
	}
	if err := put("countries", named("CXVNTRYKR222", "대한민국"), map[string]any{"code": "KR"}); err != nil {
		return err
	}
	if err := s.insertPolicies(put); err != nil {
		return err
	}
	if err := s.insertCatalogs(put); err != nil {
		return err
	}
	return s.insertCoupons(put)
}

type putter func(model string, d document, fields map[string]any) error

// insertPolicies ships the house's own goods for 3,000 won, free above 50,000;
// each vendor's for 500 more than the one before, of which the last never ships
// for free. Heavy parcels, couriers and Jeju cost more.
func (s *Server) insertPolicies(put putter) error {
	owners := []any{nil, vendors[0][0], vendors[1][0], vendors[2][0]}
	for i, owner := range owners {
		fee := float64(3000 + 500*i)
		var free any = float64(freeShippingAbove)
		if i == len(owners)-1 {
			free = nil
		}
		rules := func(extra float64) []any {
			return []any{
				map[string]any{"weightOver": 0.0, "fee": fee + extra, "free": map[string]any{"priceOver": free}},
				map[string]any{"weightOver": 20.0, "fee": fee + extra + 5000, "free": map[string]any{"priceOver": nil}},
			}
		}
		for k, method := range slices.Backward([]string{DemoParcel, DemoQuick}) {
			if owner != nil && method == DemoQuick {
				continue // only the house has couriers
			}
			err := put("shippingPolicies", named(fmt.Sprintf("SHPPXLZCY2%d%d", k+2, i+2), "배송 정책"), map[string]any{
				"vendor": owner, "method": method, "country": "KR", "rules": rules(float64(4000 * k)),
				"regions": []any{map[string]any{"name": map[string]any{"ko": demoRegion}, "rules": rules(float64(4000*k) + 3000)}},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Server) insertCatalogs(put putter) error {
	hour := time.Now().Truncate(time.Hour)
	for i, c := range []struct {
		id, title string
		meta      map[string]any
	}{
		{"CATHXTDEAL22", "오늘의 핫딜", map[string]any{"Type": "hotdeal", "hotdeal_type": "percentage", "min": 5.0, "max": 50.0}},
		{"CATLZVEALRM2", "라이브 알림", map[string]any{"Type": "live"}},
		{"CATCXVPXN222", "할인 쿠폰", map[string]any{"Type": "coupon"}},
		{"CATRECXM2222", "추천 상품", map[string]any{"Type": "recommend", "ids": []any{collections[0][0]}}},
		{demoSpecial, "기획전", map[string]any{"Type": "special", "ids": []any{collections[0][0], collections[3][0]}}},
		{"CATMAGAZNE22", "매거진", map[string]any{"Type": "magazine", "ids": []any{collections[1][0]}, "sub_description": "이달의 이야기"}},
	} {
		made := stamp(hour.Add(time.Duration(i) * time.Second))
		err := put("catalogs", document{"_id": c.id, "slug": c.id, "createdAt": made, "updatedAt": made}, map[string]any{
			"title": map[string]any{"ko": c.title}, "description": map[string]any{"ko": c.title + " 안내"}, "image": nil, "meta": c.meta,
			"items": []any{map[string]any{
				"title": map[string]any{"ko": c.title}, "description": map[string]any{"ko": ""}, "image": nil, "link": "https://www.byeolshowco.com/",
			}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) insertCoupons(put putter) error {
	everything := map[string]any{"type": "any", "products": []any{}, "brands": []any{}, "collections": []any{}}
	beauty := map[string]any{"type": "include", "products": []any{}, "brands": []any{}, "collections": []any{collections[0][0]}}
	worth := func(kind string, value float64, most any) map[string]any {
		return map[string]any{"type": kind, "value": value, "min": nil, "max": most}
	}
	for i, c := range []struct {
		name, kind string
		discount   map[string]any
		least      any
		category   map[string]any
		expires    any
	}{
		{"장바구니 3천원", "cart", worth("fixed", 3000, nil), 10000.0, everything, nil},
		{"장바구니 10%", "cart", worth("percentage", 10, 5000.0), nil, everything, nil},
		{"상품 천원", "product", worth("fixed", 1000, nil), nil, everything, nil},
		{"뷰티 20%", "product", worth("percentage", 20, 10000.0), nil, beauty, nil},
		{"십만원 이상 1만원", "cart", worth("fixed", 10000, nil), 100000.0, everything, nil},
		{"지난 쿠폰", "cart", worth("fixed", 5000, nil), nil, everything, stamp(time.Now().Add(-24 * time.Hour))},
	} {
		err := put("coupons", named(DemoCoupon(i+1), c.name), map[string]any{
			"description": map[string]any{"ko": c.name}, "type": c.kind, "active": true, "only": false, "discount": c.discount,
			"price": map[string]any{"min": c.least, "max": nil}, "category": c.category, "expiresAt": c.expires,
			"subscription": map[string]any{"type": nil, "value": nil}, "amount": map[string]any{"total": nil, "used": 0.0, "issued": 0.0},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shelve completes a demo product: every seventh has two sizes with little
// stock, every tenth is the house's own.
func shelve(n int, d document) {
	d["shipping"] = map[string]any{"methods": []any{DemoParcel, DemoQuick}, "calculation": "bundled"}
	d["taxCategories"] = []any{demoVAT}
	d["brand"] = demoHouseBrand
	if n%10 == 0 {
		delete(d, "vendor")
	}
	if n%9 == 0 {
		d["shipping"] = map[string]any{"methods": []any{DemoParcel}, "calculation": "separated"}
	}
	variants := objects(d["variants"])
	for _, variant := range variants {
		variant["weight"] = 0.5
	}
	if n%7 != 0 {
		return
	}
	option := fmt.Sprintf("XPTZXN22222%d", n%10)
	var list, variations []any
	for i, size := range []string{"S", "L"} {
		id := fmt.Sprintf("VARZATN222%d%d", i+2, n%10)
		variations = append(variations, map[string]any{"_id": id, "value": map[string]any{"ko": size}, "priority": float64(i)})
		variant := deepCopy(variants[0])
		if i > 0 {
			variant["_id"] = fmt.Sprintf("W%s", fmt.Sprint(variant["_id"])[1:])
		}
		variant["sku"] = fmt.Sprintf("%v-%s", variant["sku"], size)
		variant["quantity"] = float64(10 + i)
		variant["types"] = []any{map[string]any{"option": option, "variation": id}}
		list = append(list, variant)
	}
	d["options"] = []any{map[string]any{"_id": option, "name": map[string]any{"ko": "사이즈"}, "priority": 0.0, "variations": variations}}
	d["variants"] = list
}
