package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/byeolshow/byeolshow/model"
)

func (a *api) catalogRoutes(r chi.Router) {
	r.Get("/catalog", a.bareErrors(a.catalogs))
	r.Get("/catalog/special", a.bareErrors(a.specialCatalog))
	r.Get("/catalog/magazine", a.bareErrors(a.magazineCatalogs))
	r.Get("/collections", a.bareErrors(a.collections))
}

var catalogRaw = rawAt("{createdAt,updatedAt}")

// Kinds of catalogues that have routes of their own.
const (
	kindSpecial  = "special"
	kindMagazine = "magazine"
)

func kindOf(catalog map[string]any) string {
	kind, _ := object(catalog, "meta")["Type"].(string)
	return kind
}

func (a *api) allCatalogs(ctx context.Context) ([]map[string]any, error) {
	list, err := a.Clayful.Catalogs(ctx)
	if err != nil {
		return nil, err
	}
	return catalogRaw.all(list)
}

func (a *api) catalogs(w http.ResponseWriter, r *http.Request) error {
	return a.public(w, r, "catalogs", func(ctx context.Context) (any, error) {
		all, err := a.allCatalogs(ctx)
		return slices.DeleteFunc(all, func(c map[string]any) bool {
			return kindOf(c) == kindSpecial || kindOf(c) == kindMagazine
		}), err
	})
}

// specialShown is how many broadcasts the special catalogue shows.
const specialShown = 5

// specialCatalog is the first special catalogue: completed broadcasts of the
// products of its collections.
func (a *api) specialCatalog(w http.ResponseWriter, r *http.Request) error {
	return a.public(w, r, "special", func(ctx context.Context) (any, error) {
		all, err := a.allCatalogs(ctx)
		if err != nil {
			return nil, err
		}
		shown := map[string]any{"title": nil, "vods": []clientMedia{}}
		i := slices.IndexFunc(all, func(c map[string]any) bool { return kindOf(c) == kindSpecial })
		if i < 0 {
			return shown, nil
		}
		products, err := a.productsOf(ctx, texts(object(all[i], "meta")["ids"]))
		if err != nil {
			return nil, err
		}
		vods, err := a.completedOf(ctx, products, "", specialShown)
		shown["title"], shown["vods"] = all[i]["title"], clientViews(vods)
		return shown, err
	})
}

func (a *api) magazineCatalogs(w http.ResponseWriter, r *http.Request) error {
	return a.public(w, r, "magazine", func(ctx context.Context) (any, error) {
		all, err := a.allCatalogs(ctx)
		magazines := []map[string]any{}
		for _, c := range all {
			if kindOf(c) != kindMagazine {
				continue
			}
			meta := object(c, "meta")
			magazines = append(magazines, map[string]any{
				"title": c["title"], "description": c["description"], "items": c["items"],
				"sub_description": meta["sub_description"], "collection_ids": meta["ids"],
			})
		}
		return magazines, err
	})
}

// collections are the names of the shop's top-level collections, less those
// that are its own business. These are left out before the pages are cut.
func (a *api) collections(w http.ResponseWriter, r *http.Request) error {
	page, err := page(r)
	if err != nil {
		return err
	}
	return a.public(w, r, "collections/"+strconv.Itoa(page), func(ctx context.Context) (any, error) {
		shown := []json.RawMessage{}
		for upstream := 1; upstream <= mostPages && len(shown) < page*pageSize; upstream++ {
			list, err := a.Clayful.RootCollections(ctx, upstream)
			if err != nil {
				return nil, err
			}
			for _, raw := range list {
				var c struct {
					Name string `json:"name"`
				}
				if err := json.Unmarshal(raw, &c); err != nil || !slices.ContainsFunc(a.HiddenCollections, func(name string) bool { return strings.EqualFold(name, c.Name) }) {
					shown = append(shown, raw)
				}
			}
			if len(list) < pageSize {
				break
			}
		}
		return paged(shown, page), nil
	})
}

// texts are the strings of a list.
func texts(list any) []string {
	elements, _ := list.([]any)
	found := []string{}
	for _, element := range elements {
		if text, ok := element.(string); ok && text != "" {
			found = append(found, text)
		}
	}
	return found
}

// productsOf are the products of collections, a page of each at most.
func (a *api) productsOf(ctx context.Context, collections []string) ([]map[string]any, error) {
	if len(collections) == 0 {
		return nil, nil
	}
	// One call: the shop takes several collections at once.
	list, err := a.Clayful.ProductPage(ctx, map[string][]string{"collection": {strings.Join(collections, ",")}}, 1)
	if err != nil {
		return nil, err
	}
	return flattener{}.all(list)
}

// completedOf are some completed broadcasts of products, in random order.
func (a *api) completedOf(ctx context.Context, products []map[string]any, except string, most int) ([]model.Broadcast, error) {
	ids := []int64{}
	for _, product := range products {
		if idOf(product) == except && except != "" {
			continue
		}
		ids = append(ids, vodIDs(product)...)
	}
	return a.Store.RandomCompleted(ctx, ids, most)
}

// relatedShown is how many related broadcasts are shown.
const relatedShown = 10

// related are completed broadcasts that sold products like one, or of a
// collection.
func (a *api) related(w http.ResponseWriter, r *http.Request) error {
	product, collection := r.URL.Query().Get("product_id"), r.URL.Query().Get("collection_id")
	if product == "" && collection == "" {
		return bad("neither product_id nor collection_id is given")
	}
	return a.public(w, r, "related/"+product+"/"+collection, func(ctx context.Context) (any, error) {
		collections := []string{collection}
		if product != "" {
			raw, err := a.Clayful.Product(ctx, product)
			if err != nil {
				return nil, err
			}
			document, err := parse(raw)
			if err != nil {
				return nil, err
			}
			collections = nil
			for _, way := range objects(document["collections"]) {
				path, _ := way["path"].([]any)
				for _, step := range path {
					collections = append(collections, idOf(step))
				}
			}
		}
		products, err := a.productsOf(ctx, collections)
		if err != nil {
			return nil, err
		}
		vods, err := a.completedOf(ctx, products, product, relatedShown)
		return clientViews(vods), err
	})
}

// soldByInfluencer are the products of an influencer's completed broadcasts.
func (a *api) soldByInfluencer(w http.ResponseWriter, r *http.Request) error {
	influencer, err := query(r, "influencer_id")
	if err != nil {
		return err
	}
	return a.public(w, r, "sold/"+influencer, func(ctx context.Context) (any, error) {
		ids, err := a.Store.SoldBy(ctx, influencer)
		if err != nil {
			return nil, err
		}
		found, err := a.productsByID(ctx, ids)
		if err != nil {
			return nil, err
		}
		products, err := shownProducts(found)
		return map[string]any{"success": map[string]any{"message": "조회되었습니다", "product_list": products}}, err
	})
}

// productsByID reads products by id, 120 a call, side by side.
func (a *api) productsByID(ctx context.Context, ids []string) ([]json.RawMessage, error) {
	chunks := slices.Collect(slices.Chunk(ids, pageSize))
	found := make([][]json.RawMessage, len(chunks))
	group, ctx := errgroup.WithContext(ctx)
	for i, chunk := range chunks {
		group.Go(func() (err error) {
			found[i], err = a.Clayful.Products(ctx, chunk)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(found...), nil
}

// productDocuments are products by id, decoded.
func (a *api) productDocuments(ctx context.Context, ids []string) (map[string]map[string]any, error) {
	list, err := a.productsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	products := make(map[string]map[string]any, len(list))
	for _, raw := range list {
		product, err := parse(raw)
		if err != nil {
			return nil, err
		}
		products[idOf(product)] = product
	}
	return products, nil
}
