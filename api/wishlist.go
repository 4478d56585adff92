package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// wishlistName is what a customer's list of wishes is called in the shop.
const wishlistName = "product_wishlist"

func (a *api) wishlistRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.login)
		r.Get("/wishlist", a.wrapped(a.wishes))
		r.Post("/wishlist", a.wrapped(a.addWish))
		r.Delete("/wishlist", a.wrapped(a.removeWish))
	})
}

// wishRaw is what of a wished product is flattened (API contract, section 6).
var wishRaw = rawAt("price.{original,sale}", "discount.{value,discounted}")

func (a *api) wishes(w http.ResponseWriter, r *http.Request) error {
	list, err := a.ownWishlist(r.Context(), caller(r).Token)
	if err != nil {
		return err
	}
	var products []clayful.Raw
	if list != "" {
		if products, err = a.Clayful.WishedProducts(r.Context(), caller(r).Token, list); err != nil {
			return err
		}
	}
	shown, err := wishRaw.all(products)
	if err != nil {
		return err
	}
	return bare(w, http.StatusOK, shown)
}

// ownWishlist is the id of a customer's list: the one of our name, else their
// first, "" when they have none.
func (a *api) ownWishlist(ctx context.Context, token string) (string, error) {
	lists, err := a.Clayful.OwnWishlists(ctx, token)
	if err != nil || len(lists) == 0 {
		return "", err
	}
	i := slices.IndexFunc(lists, func(l clayful.Wishlist) bool { return l.Name == wishlistName })
	return lists[max(i, 0)].ID, nil
}

// madeWishlist is the caller's list, made when there is none: one, however many
// want it at once.
func (a *api) madeWishlist(r *http.Request) (list string, err error) {
	token := caller(r).Token
	if list, err = a.ownWishlist(r.Context(), token); err != nil || list != "" {
		return list, err
	}
	err = a.exclusively(r.Context(), "wishlist/"+caller(r).ID, func(ctx context.Context) error {
		if list, err = a.ownWishlist(ctx, token); err != nil || list != "" {
			return err
		}
		made, err := a.Clayful.CreateOwnWishlist(ctx, token, wishlistName)
		list = made.ID
		if clayful.IsUnavailable(err) { // it may be there all the same
			var unread error
			if list, unread = a.ownWishlist(ctx, token); unread == nil && list != "" {
				err = nil
			}
		}
		return err
	})
	return list, err
}

func wish(r *http.Request) (string, error) {
	var body struct {
		Product string `json:"product"`
	}
	if err := decode(r, &body); err != nil {
		return "", err
	}
	if !plainID.MatchString(body.Product) {
		return "", bad("product is missing or no id")
	}
	return body.Product, nil
}

func (a *api) addWish(w http.ResponseWriter, r *http.Request) error {
	product, err := wish(r)
	if err != nil {
		return err
	}
	list, err := a.madeWishlist(r)
	if err != nil {
		return err
	}
	if err := a.Clayful.Wish(r.Context(), caller(r).Token, list, product); err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "찜 목록에 추가되었습니다")
}

func (a *api) removeWish(w http.ResponseWriter, r *http.Request) error {
	product, err := wish(r)
	if err != nil {
		return err
	}
	list, err := a.ownWishlist(r.Context(), caller(r).Token)
	if err != nil {
		return err
	}
	if list == "" {
		return errBadRequest
	}
	if err := a.Clayful.Unwish(r.Context(), caller(r).Token, list, product); err != nil {
		return err
	}
	return done(w, http.StatusOK, "찜 목록에서 삭제되었습니다")
}
