// Package mux speaks to Mux Video through its own library, and adds what that
// lacks: a base URL, the newer request fields, errors told apart, and the
// verification of webhooks.
package mux

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	muxgo "github.com/muxinc/mux-go"
)

// Config says where Mux is and who we are there.
type Config struct {
	BaseURL     string        // "" is https://api.mux.com
	TokenID     string        // access token
	TokenSecret string        // its secret
	Timeout     time.Duration // of one call; 0 is 8 seconds

	Observe func(http.RoundTripper) http.RoundTripper // wraps what makes the calls; nil: nothing does
}

// Client makes Mux's calls. It is safe for concurrent use and repeats nothing:
// its callers do.
type Client struct {
	api    *muxgo.APIClient
	http   *http.Client
	config Config
}

// New makes a client. The error is about an unusable base URL.
func New(config Config) (*Client, error) {
	if config.Timeout == 0 {
		config.Timeout = 8 * time.Second
	}
	options := []muxgo.ConfigurationOption{
		muxgo.WithBasicAuth(config.TokenID, config.TokenSecret),
		muxgo.WithTimeout(config.Timeout),
	}
	var transport http.RoundTripper // nil is http.DefaultTransport
	if config.BaseURL == "" {
		config.BaseURL = apiBase
	}
	if config.BaseURL != apiBase || config.Observe != nil {
		mark, via, err := redirect(config.BaseURL, config.Observe)
		if err != nil {
			return nil, err
		}
		transport = via
		options = append(options, muxgo.WithHost(mark))
	}
	return &Client{
		api:    muxgo.NewAPIClient(muxgo.NewConfiguration(options...)),
		http:   &http.Client{Timeout: config.Timeout, Transport: transport},
		config: config,
	}, nil
}

// LiveStream is an influencer's stream at Mux. StreamKey is a secret.
type LiveStream struct {
	ID            string
	StreamKey     string
	PlaybackID    string
	Status        string
	ActiveAssetID string // the asset being recorded, while active
}

// Active tells whether viewers can watch the stream now.
func (s LiveStream) Active() bool { return s.Status == "active" }

// States of an asset.
const (
	AssetPreparing = "preparing"
	AssetReady     = "ready"
	AssetErrored   = "errored"
)

// Asset is a recording.
type Asset struct {
	ID           string
	Status       string
	IsLive       bool // still being recorded
	LiveStreamID string
	PlaybackID   string
	Duration     time.Duration
	CreatedAt    time.Time
}

// CreateLiveStream makes a stream with reduced latency whose encoder may drop
// out for a minute, publicly playable, recorded.
func (c *Client) CreateLiveStream(ctx context.Context) (LiveStream, error) {
	var answer muxgo.LiveStreamResponse
	err := c.call(ctx, http.MethodPost, "/video/v1/live-streams", map[string]any{
		"latency_mode":       "reduced",
		"reconnect_window":   60,
		"playback_policy":    []string{"public"},
		"new_asset_settings": map[string]any{"playback_policy": []string{"public"}},
	}, &answer)
	return liveStream(answer.Data), told("create live stream", err)
}

// LiveStream reads a stream. The error is ErrNotFound when there is none.
func (c *Client) LiveStream(ctx context.Context, id string) (LiveStream, error) {
	answer, err := c.api.LiveStreamsApi.GetLiveStream(id, muxgo.WithContext(ctx))
	return liveStream(answer.Data), told("read live stream", err)
}

// ActiveLiveStreams are the streams that are active now, by id.
func (c *Client) ActiveLiveStreams(ctx context.Context) (map[string]LiveStream, error) {
	const size = 100
	active := map[string]LiveStream{}
	for page := 1; ; page++ {
		var answer muxgo.ListLiveStreamsResponse
		path := "/video/v1/live-streams?status=active&limit=" + strconv.Itoa(size) + "&page=" + strconv.Itoa(page)
		if err := c.call(ctx, http.MethodGet, path, nil, &answer); err != nil {
			return nil, told("list active live streams", err)
		}
		for _, stream := range answer.Data {
			if s := liveStream(stream); s.Active() {
				active[s.ID] = s
			}
		}
		if len(answer.Data) < size {
			return active, nil
		}
	}
}

// ResetStreamKey gives a stream a new key; the old one is dead at once.
func (c *Client) ResetStreamKey(ctx context.Context, id string) (LiveStream, error) {
	answer, err := c.api.LiveStreamsApi.ResetStreamKey(id, muxgo.WithContext(ctx))
	return liveStream(answer.Data), told("reset stream key", err)
}

// Complete ends the recording of a stream now.
func (c *Client) Complete(ctx context.Context, id string) error {
	_, err := c.api.LiveStreamsApi.SignalLiveStreamComplete(id, muxgo.WithContext(ctx))
	return told("complete live stream", err)
}

// DeleteLiveStream removes a stream. One that is gone already is no error.
func (c *Client) DeleteLiveStream(ctx context.Context, id string) error {
	return gone(told("delete live stream", c.api.LiveStreamsApi.DeleteLiveStream(id, muxgo.WithContext(ctx))))
}

// AssetsOfStream are the newest hundred recordings of a stream, newest first.
func (c *Client) AssetsOfStream(ctx context.Context, streamID string) ([]Asset, error) {
	answer, err := c.api.AssetsApi.ListAssets(muxgo.WithContext(ctx),
		muxgo.WithParams(&muxgo.ListAssetsParams{LiveStreamId: streamID, Limit: 100}))
	if err != nil {
		return nil, told("list assets", err)
	}
	assets := make([]Asset, len(answer.Data))
	for i, a := range answer.Data {
		assets[i] = asset(a)
	}
	return assets, nil
}

// DeleteAsset removes a recording. One that is gone already is no error.
func (c *Client) DeleteAsset(ctx context.Context, id string) error {
	return gone(told("delete asset", c.api.AssetsApi.DeleteAsset(id, muxgo.WithContext(ctx))))
}

// call makes a request the library cannot.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	var payload io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.config.BaseURL+path, payload)
	if err != nil {
		return err
	}
	request.SetBasicAuth(c.config.TokenID, c.config.TokenSecret)
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 16<<20))
	if err != nil {
		return err
	}
	if err := muxgo.CheckForHttpError(response.StatusCode, text); err != nil {
		return err
	}
	return json.Unmarshal(text, answer)
}

func liveStream(s muxgo.LiveStream) LiveStream {
	stream := LiveStream{ID: s.Id, StreamKey: s.StreamKey, Status: s.Status, ActiveAssetID: s.ActiveAssetId}
	if len(s.PlaybackIds) > 0 {
		stream.PlaybackID = s.PlaybackIds[0].Id
	}
	return stream
}

func asset(a muxgo.Asset) Asset {
	made := Asset{
		ID: a.Id, Status: a.Status, IsLive: a.IsLive, LiveStreamID: a.LiveStreamId,
		Duration: time.Duration(a.Duration * float64(time.Second)), CreatedAt: unixSeconds(a.CreatedAt),
	}
	if len(a.PlaybackIds) > 0 {
		made.PlaybackID = a.PlaybackIds[0].Id
	}
	return made
}

// unixSeconds reads Mux's created_at, unix seconds in a string.
func unixSeconds(s string) time.Time {
	seconds, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// ErrNotFound is that Mux has no such stream or asset.
var ErrNotFound = errors.New("mux: not found")

// IsRetryable tells whether a failed call may succeed when repeated: Mux was
// silent, busy (429) or broken (5xx).
func IsRetryable(err error) bool {
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, context.Canceled) {
		return false
	}
	var (
		unauthorized muxgo.UnauthorizedError
		forbidden    muxgo.ForbiddenError
		bad          muxgo.BadRequestError
		generic      muxgo.GenericOpenAPIError
	)
	return !errors.As(err, &unauthorized) && !errors.As(err, &forbidden) && !errors.As(err, &bad) && !errors.As(err, &generic)
}

func told(what string, err error) error {
	if err == nil {
		return nil
	}
	var missing muxgo.NotFoundError
	if errors.As(err, &missing) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return &Error{Doing: what, cause: err}
}

// Error is a call that failed.
type Error struct {
	Doing string
	cause error
}

// Error implements error.
func (e *Error) Error() string {
	text := "mux: " + e.Doing + ": " + e.cause.Error()
	var refusal interface{ Body() []byte }
	var body struct {
		Error struct {
			Messages []string `json:"messages"`
		} `json:"error"`
	}
	if errors.As(e.cause, &refusal) && json.Unmarshal(refusal.Body(), &body) == nil && len(body.Error.Messages) > 0 {
		text += ": " + strings.Join(body.Error.Messages, ", ")
	}
	return text
}

// Unwrap implements errors.Unwrap.
func (e *Error) Unwrap() error { return e.cause }

func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
