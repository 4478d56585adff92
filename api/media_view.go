package api

import (
	"strings"
	"time"

	"github.com/byeolshow/byeolshow/model"
)

// clientMedia is a broadcast as everybody may see it.
type clientMedia struct {
	VODID                   int64   `json:"vod_id"`
	MuxLivestreamPlaybackID *string `json:"mux_livestream_playback_id"`
	MuxAssetPlaybackID      *string `json:"mux_asset_playback_id"`
	Title                   string  `json:"title"`
	Notice                  *string `json:"notice"`
	Description             *string `json:"description"`
	InfluencerName          string  `json:"influencer_name"`
	InfluencerID            string  `json:"influencer_id"`
	InfluencerThumbnail     string  `json:"influencer_thunmbnail"`
	ProductID               *string `json:"product_id"`
	ProductName             string  `json:"product_name"`
	ProductPrice            int64   `json:"product_price"`
	ProductSale             int64   `json:"product_sale"`
	ProductBrand            *string `json:"product_brand"`
	ProductThumbnail        *string `json:"product_thumbnail"`
	Status                  string  `json:"status"`
	StartedAt               *string `json:"started_at"`
	VODViewCount            int     `json:"vod_view_count"`
	LikeCount               int     `json:"like_count"`
	PushCount               int     `json:"push_count"`
	Thumbnail               *string `json:"thumbnail"`
}

// fullMedia is a broadcast as its owner sees it.
type fullMedia struct {
	clientMedia

	MuxLivestreamID string  `json:"mux_livestream_id"`
	MuxAssetID      *string `json:"mux_asset_id"`
	ProductList     *string `json:"product_list"`
	UpdatedAt       string  `json:"updated_at"`
	FinishedAt      *string `json:"finished_at"`
}

func clientView(b model.Broadcast) clientMedia {
	return clientMedia{
		VODID:                   b.VODID,
		MuxLivestreamPlaybackID: b.MuxLivestreamPlaybackID,
		MuxAssetPlaybackID:      b.MuxAssetPlaybackID,
		Title:                   b.Title,
		Notice:                  b.Notice,
		Description:             b.Description,
		InfluencerName:          b.InfluencerName,
		InfluencerID:            b.InfluencerID,
		InfluencerThumbnail:     b.InfluencerThumbnail,
		ProductID:               b.ProductID,
		ProductName:             b.ProductName,
		ProductPrice:            int64(b.ProductPrice),
		ProductSale:             int64(b.ProductSale),
		ProductBrand:            b.ProductBrand,
		ProductThumbnail:        b.ProductThumbnail,
		Status:                  string(b.Status),
		StartedAt:               seoul(b.StartedAt),
		VODViewCount:            b.VODViewCount,
		LikeCount:               b.LikeCount,
		PushCount:               b.PushCount,
		Thumbnail:               thumbnail(b),
	}
}

func clientViews(list []model.Broadcast) []clientMedia {
	views := make([]clientMedia, len(list))
	for i, b := range list {
		views[i] = clientView(b)
	}
	return views
}

func fullView(b model.Broadcast) fullMedia {
	view := fullMedia{
		clientMedia:     clientView(b),
		MuxLivestreamID: b.MuxLivestreamID,
		MuxAssetID:      b.MuxAssetID,
		UpdatedAt:       model.FormatSeoul(b.UpdatedAt),
		FinishedAt:      seoul(b.FinishedAt),
	}
	if b.ProductList != nil {
		joined := strings.Join(b.ProductList, ",")
		view.ProductList = &joined
	}
	return view
}

// thumbnail is a picture Mux makes of the recording, or else of the stream.
func thumbnail(b model.Broadcast) *string {
	playback := b.MuxAssetPlaybackID
	if playback == nil {
		playback = b.MuxLivestreamPlaybackID
	}
	if playback == nil {
		return nil
	}
	url := "https://image.mux.com/" + *playback + "/thumbnail.png"
	return &url
}

func seoul(t *time.Time) *string {
	if t == nil {
		return nil
	}
	shown := model.FormatSeoul(*t)
	return &shown
}
