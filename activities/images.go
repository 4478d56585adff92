package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/byeolshow/byeolshow/clients/clayful"
	"github.com/byeolshow/byeolshow/store"
)

// ImageChange is a change of a customer's images for a field that may not have
// been finished.
type ImageChange struct {
	CustomerID string
	Key        string // in the file names of the new images
	// Model and Application are the field the images are for.
	Model, Application string
	At                 time.Time // when it began
	Old                []string  `json:",omitempty"` // images it makes superfluous
	Thumbnail          string    `json:",omitempty"` // the image whose URL the customer's thumbnail_url has to be
}

// TidyImages deletes of the images a change added or made superfluous those that
// nothing shows, and has the customer's broadcasts show their avatar. Repeating
// it changes nothing more.
func (a *Activities) TidyImages(ctx context.Context, in ImageChange) error {
	return a.store.WithLocks(ctx, []string{store.ImagesKey(in.CustomerID)}, func(ctx context.Context) error {
		customer, err := a.clayful.Customer(ctx, in.CustomerID)
		if gone(err) {
			customer, err = &clayful.Customer{}, nil
		}
		if err != nil {
			return fmt.Errorf("read the customer: %w", err)
		}
		added, err := a.addedImages(ctx, in)
		if err != nil {
			return err
		}
		shown, err := a.shownImages(ctx, in, customer)
		if err != nil {
			return err
		}
		for _, id := range append(added, in.Old...) {
			if shown(id) {
				continue
			}
			if err := a.clayful.DeleteImage(ctx, id); err != nil && !gone(err) {
				return fmt.Errorf("delete image %s: %w", id, err)
			}
		}
		if in.Model == "Customer" {
			if err := a.store.ShowAvatar(ctx, in.CustomerID, customer.Avatar.URL); err != nil {
				return err
			}
		}
		return a.showThumbnail(ctx, in, customer)
	})
}

// clockSkew is how far the shop's clock may be behind ours.
const clockSkew = 10 * time.Minute

// addedImages are the images the change kept, by their names.
func (a *Activities) addedImages(ctx context.Context, in ImageChange) ([]string, error) {
	var added []string
	for page := 1; ; page++ {
		images, err := a.clayful.Images(ctx, in.Model, in.Application, page)
		if err != nil {
			return nil, fmt.Errorf("look for images: %w", err)
		}
		for _, image := range images {
			if image.CreatedAt.Before(in.At.Add(-clockSkew)) {
				return added, nil
			}
			if strings.Contains(image.URL, "/"+in.Key+"-") {
				added = append(added, image.ID)
			}
		}
		if len(images) == 0 {
			return added, nil
		}
	}
}

// shownImages tells of images whether something of the customer's shows them.
func (a *Activities) shownImages(ctx context.Context, in ImageChange, customer *clayful.Customer) (func(id string) bool, error) {
	thumbnail := customer.MetaString("thumbnail_url")
	shown := []string{customer.Avatar.ID}
	for page := 1; in.Model == "Review"; page++ {
		reviews, err := a.clayful.ReviewsBy(ctx, in.CustomerID, page)
		if err != nil {
			return nil, fmt.Errorf("read reviews: %w", err)
		}
		for _, raw := range reviews {
			var review clayful.Review
			if err := json.Unmarshal(raw, &review); err != nil {
				return nil, fmt.Errorf("decode review: %w", err)
			}
			shown = append(shown, review.ImageIDs()...)
		}
		if len(reviews) == 0 {
			break
		}
	}
	return func(id string) bool { return slices.Contains(shown, id) || strings.Contains(thumbnail, "/"+id+"/") }, nil
}

// showThumbnail makes the URL the customer's background has now their
// thumbnail's.
func (a *Activities) showThumbnail(ctx context.Context, in ImageChange, customer *clayful.Customer) error {
	if in.Thumbnail == "" || customer.ID == "" {
		return nil
	}
	image, err := a.clayful.Image(ctx, in.Thumbnail)
	if gone(err) || err == nil && image.URL == customer.MetaString("thumbnail_url") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read image %s: %w", in.Thumbnail, err)
	}
	return a.clayful.UpdateCustomer(ctx, in.CustomerID, map[string]any{"meta": map[string]string{"thumbnail_url": image.URL}})
}
