package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/byeolshow/byeolshow/clients/clayful"
)

// What a member's own images are made for at the shop. The one that is not their
// avatar is an influencer's background.
const (
	customerImages = "Customer"
	avatarImages   = "avatar"
)

// metaThumbnail is the field of a customer's meta that holds the URL of their
// background.
const metaThumbnail = "thumbnail_url"

func (a *api) imageRoutes(r chi.Router) {
	r.With(a.login).Get("/images", a.wrapped(a.images))
	r.With(a.login, a.uploads).Post("/images", a.wrapped(a.setAvatar))
	r.With(a.login).Delete("/images", a.wrapped(a.deleteAvatar))
	r.With(a.seller, a.uploads).Post("/images/influencer", a.wrapped(a.setThumbnail))
	r.With(a.seller).Delete("/images/influencer", a.wrapped(a.deleteThumbnail))
}

func (a *api) images(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Clayful.OwnImages(r.Context(), caller(r).Token, customerImages, avatarImages)
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]any{"data": list})
}

// readPicture is the one image of a request.
func readPicture(w http.ResponseWriter, r *http.Request) (*picture, func(), error) {
	u, err := readUpload(w, r, "file", 1)
	if err != nil {
		return nil, nil, err
	}
	if len(u.pictures) == 0 {
		return nil, nil, bad("file is missing")
	}
	return u.pictures[0], u.close, nil
}

// changeOwnImages changes the avatar or the background of the caller, as whom
// the guard and the influencer list then ask for anew.
func (a *api) changeOwnImages(r *http.Request, do func(context.Context, *imageChange) error) error {
	defer a.influencers.forget()
	defer a.sessions.forget(r.Context(), caller(r).ID)
	return a.changeImages(r, customerImages, avatarImages, do)
}

// setAvatar puts a new file in the place of the caller's avatar, or gives them
// one.
func (a *api) setAvatar(w http.ResponseWriter, r *http.Request) error {
	file, closeFile, err := readPicture(w, r)
	if err != nil {
		return err
	}
	defer closeFile()
	message := "프로필 이미지가 변경되었습니다"
	err = a.changeOwnImages(r, func(ctx context.Context, c *imageChange) error {
		avatar, err := c.avatar(ctx)
		if err != nil {
			return err
		}
		if err := c.begin(ctx); err != nil {
			return err
		}
		if avatar != "" {
			image, err := c.replace(ctx, avatar, file)
			if err == nil {
				c.showInBroadcasts(ctx, image.URL)
			}
			return err
		}
		message = "프로필 이미지가 추가되었습니다"
		image, err := c.add(ctx, file)
		if err != nil {
			return err
		}
		return c.showAvatar(ctx, image)
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, message)
}

func (a *api) deleteAvatar(w http.ResponseWriter, r *http.Request) error {
	err := a.changeOwnImages(r, func(ctx context.Context, c *imageChange) error {
		avatar, err := c.avatar(ctx)
		if err != nil {
			return err
		}
		if avatar == "" {
			return refuse(http.StatusBadRequest, "등록된 프로필 이미지가 없습니다")
		}
		if err := c.begin(ctx, avatar); err != nil {
			return err
		}
		return c.showAvatar(ctx, clayful.StoredImage{})
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "프로필 이미지가 삭제되었습니다")
}

// avatar is the image that is the member's avatar now, "" when none is.
func (c *imageChange) avatar(ctx context.Context) (string, error) {
	me, err := c.Clayful.Me(ctx, c.member.Token)
	if err != nil {
		return "", err
	}
	return me.Avatar.ID, nil
}

// showAvatar makes an image the member's avatar, or, the empty one, none.
func (c *imageChange) showAvatar(ctx context.Context, image clayful.StoredImage) error {
	err := c.Clayful.UpdateMe(ctx, c.member.Token, map[string]any{"avatar": orNull(image.ID)})
	err = c.confirm(ctx, err, func(ctx context.Context) (bool, error) {
		avatar, err := c.avatar(ctx)
		return avatar == image.ID, err
	})
	if err == nil {
		c.showInBroadcasts(ctx, image.URL)
	}
	return err
}

// showInBroadcasts shows the member's avatar in what they broadcast, or has the
// workflow do it.
func (c *imageChange) showInBroadcasts(ctx context.Context, url string) {
	if err := c.Store.ShowAvatar(ctx, c.member.ID, url); err != nil {
		c.left = true
		c.Logger.WarnContext(ctx, "an avatar in broadcasts is left to its workflow", "customer", c.member.ID, "error", err)
	}
}

// setThumbnail puts a new file in the place of the caller's background, or gives
// them one.
func (a *api) setThumbnail(w http.ResponseWriter, r *http.Request) error {
	file, closeFile, err := readPicture(w, r)
	if err != nil {
		return err
	}
	defer closeFile()
	message := "썸네일이 변경되었습니다"
	err = a.changeOwnImages(r, func(ctx context.Context, c *imageChange) error {
		backgrounds, shown, err := c.backgrounds(ctx)
		if err != nil {
			return err
		}
		if len(backgrounds) == 0 {
			message = "썸네일이 추가되었습니다"
			if err := c.begin(ctx); err != nil {
				return err
			}
			image, err := c.add(ctx, file)
			if err != nil {
				return err
			}
			return c.showThumbnail(ctx, image.URL)
		}
		replaced := backgrounds[max(0, slices.IndexFunc(backgrounds, func(image clayful.StoredImage) bool { return shows(shown, image.ID) }))]
		c.in.Thumbnail = replaced.ID
		if err := c.begin(ctx); err != nil {
			return err
		}
		image, err := c.replace(ctx, replaced.ID, file)
		if err != nil {
			return err
		}
		if err := c.showThumbnail(ctx, image.URL); err != nil {
			c.left = true // the old file is gone, so that the new one has to be shown
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, message)
}

// deleteThumbnail deletes the caller's background, never their avatar.
func (a *api) deleteThumbnail(w http.ResponseWriter, r *http.Request) error {
	err := a.changeOwnImages(r, func(ctx context.Context, c *imageChange) error {
		backgrounds, shown, err := c.backgrounds(ctx)
		if err != nil || len(backgrounds) == 0 && shown == "" {
			return err
		}
		old := make([]string, len(backgrounds))
		for i, image := range backgrounds {
			old[i] = image.ID
		}
		if err := c.begin(ctx, old...); err != nil {
			return err
		}
		return c.showThumbnail(ctx, "")
	})
	if err != nil {
		return err
	}
	return done(w, http.StatusAccepted, "썸네일이 삭제되었습니다")
}

// backgrounds are the member's images that are not their avatar, of which there
// is one at most unless something went wrong, and the URL that is shown.
func (c *imageChange) backgrounds(ctx context.Context) (images []clayful.StoredImage, shown string, err error) {
	me, err := c.Clayful.Me(ctx, c.member.Token)
	if err != nil {
		return nil, "", err
	}
	images, err = c.storedImages(ctx, c.member, customerImages, avatarImages)
	images = slices.DeleteFunc(images, func(image clayful.StoredImage) bool { return image.ID == me.Avatar.ID })
	return images, me.MetaString(metaThumbnail), err
}

// shows tells whether a URL is that of an image, of whatever version.
func shows(url, id string) bool { return strings.Contains(url, "/"+id+"/") }

// showThumbnail makes a URL that of the member's background, or, "", none.
func (c *imageChange) showThumbnail(ctx context.Context, url string) error {
	err := c.Clayful.UpdateCustomer(ctx, c.member.ID, map[string]any{"meta": map[string]string{metaThumbnail: url}})
	return c.confirm(ctx, err, func(ctx context.Context) (bool, error) {
		me, err := c.Clayful.Customer(ctx, c.member.ID)
		if err != nil {
			return false, err
		}
		return me.MetaString(metaThumbnail) == url, nil
	})
}
