package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func (a *api) broadcastRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(a.seller)
		r.Post("/media/reserve", a.wrapped(a.reserve))
		r.Post("/media/start", a.wrapped(a.start))
		r.Post("/media/edit", a.wrapped(a.edit))
		r.Post("/media/end", a.wrapped(a.end))
		r.Delete("/media/delete", a.wrapped(a.delete))
		r.Post("/media/live_alarm", a.wrapped(a.announce))
	})
}

// answerWait is how long a caller waits for a broadcast's workflow to answer.
// What it was asked is done all the same when the answer comes later.
// It outlasts a worker that died with the workflow in its hands.
const answerWait = 20 * time.Second

// ask sends an update to a broadcast's workflow, which is started when it does
// not run, and answers with the broadcast afterwards.
func (a *api) ask(ctx context.Context, in workflows.BroadcastInput, summary, update string, args ...any) (model.Broadcast, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for {
		b, err := a.askOnce(ctx, in, summary, update, args...)
		if !endedMeanwhile(err) {
			return b, err
		}
	}
}

// endedMeanwhile tells whether the workflow ended before it took the update in;
// asked again, it is taken up anew.
func endedMeanwhile(err error) bool {
	var ended *temporal.ApplicationError
	var missing *serviceerror.NotFound
	return errors.As(err, &missing) || errors.As(err, &ended) && ended.Type() == "AcceptedUpdateCompletedWorkflow"
}

func (a *api) askOnce(ctx context.Context, in workflows.BroadcastInput, summary, update string, args ...any) (model.Broadcast, error) {
	start := a.Temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       workflows.BroadcastID(in.VODID),
		TaskQueue:                workflows.QueueBroadcasts,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowTaskTimeout:      workflows.TaskTimeout,
		StaticSummary:            summary,
	}, workflows.TypeBroadcast, in)
	handle, err := a.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateName: update, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	var b model.Broadcast
	if err == nil {
		err = handle.Get(ctx, &b)
	}
	if refusal := workflows.RefusalOf(err); refusal != nil {
		return b, refusal
	}
	if err != nil && ctx.Err() != nil {
		return b, errors.Join(errTryLater, err)
	}
	return b, err
}

// summaryOf is what an operator reads in the list of workflows.
func summaryOf(b model.Broadcast) string {
	const longest = 180 // bytes; the server takes 400
	summary := b.InfluencerName + ": " + b.Title
	if len(summary) <= longest {
		return summary
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(summary[cut]) {
		cut--
	}
	return summary[:cut] + "…"
}

// command asks one of the caller's own broadcasts for an update. Unknown,
// deleted and foreign ones are all model.ErrNoBroadcast.
func (a *api) command(r *http.Request, id flexID, update string, args ...any) (model.Broadcast, error) {
	b, err := a.own(r, int64(id))
	if err != nil {
		return b, err
	}
	return a.ask(r.Context(), workflows.BroadcastInput{VODID: b.VODID}, summaryOf(b), update, args...)
}

func (a *api) own(r *http.Request, vodID int64) (model.Broadcast, error) {
	b, err := a.Store.Broadcast(r.Context(), vodID)
	if err == nil && (b.DeletedAt != nil || b.InfluencerID != caller(r).ID) {
		err = model.ErrNoBroadcast
	}
	return b, err
}

// mediaID reads the body of the commands that have nothing else.
func mediaID(r *http.Request) (flexID, error) {
	var body struct {
		MediaID flexID `json:"media_id"`
	}
	if err := decode(r, &body); err != nil {
		return 0, err
	}
	if body.MediaID == 0 {
		return 0, bad("media_id is missing")
	}
	return body.MediaID, nil
}

func (a *api) reserve(w http.ResponseWriter, r *http.Request) error {
	var body mediaBody
	if err := decode(r, &body); err != nil {
		return err
	}
	edit, err := body.edit()
	if err != nil {
		return err
	}
	if len(edit.Fields) != len(mediaFields) {
		return bad("not every key is present")
	}
	if err := edit.Details.Validate(); err != nil {
		return err
	}
	seller := caller(r).Customer
	stream := streamOf(seller)
	if stream.ID == "" || stream.URL == "" { // made a moment ago, perhaps elsewhere
		if seller, err = a.Clayful.Customer(r.Context(), seller.ID); err != nil {
			return err
		}
		stream = streamOf(seller)
	}
	if stream.ID == "" || stream.URL == "" {
		return refuse(http.StatusBadRequest, "먼저 스트림 키를 발급받아 주세요")
	}
	vodID, err := a.Store.NextVODID(r.Context())
	if err != nil {
		return err
	}
	now := a.Now().UTC().Truncate(time.Microsecond)
	reservation := model.Broadcast{
		VODID: vodID, InfluencerID: seller.ID, InfluencerName: deref(seller.Alias), InfluencerThumbnail: seller.Avatar.URL,
		MuxLivestreamID: stream.ID, MuxLivestreamPlaybackID: &stream.URL,
		Details: edit.Details, Status: model.StatusReady, UpdatedAt: now, ArmedAt: now,
	}
	b, err := a.ask(r.Context(), workflows.BroadcastInput{VODID: vodID, Reservation: &reservation},
		summaryOf(reservation), workflows.UpdateReserve)
	if err != nil {
		return err
	}
	return success(w, http.StatusAccepted, map[string]any{"message": "예약되었습니다", "data": fullView(b)})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (a *api) start(w http.ResponseWriter, r *http.Request) error {
	id, err := mediaID(r)
	if err != nil {
		return err
	}
	b, err := a.command(r, id, workflows.UpdateStart)
	if err != nil {
		return err
	}
	return success(w, http.StatusAccepted, map[string]any{"message": "방송이 시작되었습니다", "data": fullView(b)})
}

func (a *api) edit(w http.ResponseWriter, r *http.Request) error {
	var body mediaBody
	if err := decode(r, &body); err != nil {
		return err
	}
	edit, err := body.edit()
	if err != nil {
		return err
	}
	if body.MediaID == 0 {
		return bad("media_id is missing")
	}
	b, err := a.command(r, body.MediaID, workflows.UpdateEdit, edit)
	if errors.Is(err, model.ErrNoBroadcast) {
		return &refusal{Status: http.StatusBadRequest, Message: errBadRequest.Message, Detail: "존재하지 않거나 본인의 방송이 아닙니다"}
	}
	if err != nil {
		return err
	}
	return success(w, http.StatusOK, map[string]any{"message": "수정되었습니다", "data": fullView(b)})
}

func (a *api) end(w http.ResponseWriter, r *http.Request) error {
	return a.simple(w, r, workflows.UpdateEnd, "방송이 종료되었습니다")
}

func (a *api) delete(w http.ResponseWriter, r *http.Request) error {
	return a.simple(w, r, workflows.UpdateDelete, "삭제되었습니다")
}

func (a *api) announce(w http.ResponseWriter, r *http.Request) error {
	return a.simple(w, r, workflows.UpdateAnnounce, "알림을 보냈습니다")
}

func (a *api) simple(w http.ResponseWriter, r *http.Request, update, message string) error {
	id, err := mediaID(r)
	if err != nil {
		return err
	}
	if _, err := a.command(r, id, update); err != nil {
		return err
	}
	return done(w, http.StatusAccepted, message)
}

// mediaBody is what a seller says about a broadcast. A key that is absent is
// nil, one that is null is "null".
type mediaBody struct {
	MediaID          flexID          `json:"media_id"`
	Title            json.RawMessage `json:"title"`
	Notice           json.RawMessage `json:"notice"`
	Description      json.RawMessage `json:"description"`
	ProductID        json.RawMessage `json:"product_id"`
	ProductName      json.RawMessage `json:"product_name"`
	ProductPrice     json.RawMessage `json:"product_price"`
	ProductSale      json.RawMessage `json:"product_sale"`
	ProductBrand     json.RawMessage `json:"product_brand"`
	ProductThumbnail json.RawMessage `json:"product_thumbnail"`
	ProductList      json.RawMessage `json:"product_list"`
	StartedAt        json.RawMessage `json:"started_at"`
}

// mediaFields are the keys of a reservation, and how each is read.
var mediaFields = []struct {
	name     model.Field
	nullable bool
	raw      func(*mediaBody) json.RawMessage
	into     func(*model.Details) any
}{
	{model.FieldTitle, false, func(b *mediaBody) json.RawMessage { return b.Title }, func(d *model.Details) any { return &d.Title }},
	{model.FieldNotice, true, func(b *mediaBody) json.RawMessage { return b.Notice }, func(d *model.Details) any { return &d.Notice }},
	{model.FieldDescription, true, func(b *mediaBody) json.RawMessage { return b.Description }, func(d *model.Details) any { return &d.Description }},
	{model.FieldProductID, true, func(b *mediaBody) json.RawMessage { return b.ProductID }, func(d *model.Details) any { return &d.ProductID }},
	{model.FieldProductName, false, func(b *mediaBody) json.RawMessage { return b.ProductName }, func(d *model.Details) any { return &d.ProductName }},
	{model.FieldProductPrice, false, func(b *mediaBody) json.RawMessage { return b.ProductPrice }, func(d *model.Details) any { return &d.ProductPrice }},
	{model.FieldProductSale, false, func(b *mediaBody) json.RawMessage { return b.ProductSale }, func(d *model.Details) any { return &d.ProductSale }},
	{model.FieldProductBrand, true, func(b *mediaBody) json.RawMessage { return b.ProductBrand }, func(d *model.Details) any { return &d.ProductBrand }},
	{model.FieldProductThumbnail, true, func(b *mediaBody) json.RawMessage { return b.ProductThumbnail }, func(d *model.Details) any { return &d.ProductThumbnail }},
	{model.FieldProductList, false, func(b *mediaBody) json.RawMessage { return b.ProductList }, func(d *model.Details) any { return &d.ProductList }},
	{model.FieldStartedAt, true, func(b *mediaBody) json.RawMessage { return b.StartedAt }, func(d *model.Details) any { return (*seoulTime)(d) }},
}

// edit is the change the body asks for.
func (b *mediaBody) edit() (model.Edit, error) {
	var edit model.Edit
	for _, field := range mediaFields {
		raw := field.raw(b)
		if raw == nil {
			continue
		}
		if string(raw) == "null" && !field.nullable {
			return edit, bad(string(field.name) + " is null")
		}
		if err := json.Unmarshal(raw, field.into(&edit.Details)); err != nil {
			return edit, bad(string(field.name) + " has the wrong type")
		}
		edit.Fields = append(edit.Fields, field.name)
	}
	return edit, nil
}

// seoulTime reads started_at.
type seoulTime model.Details

// UnmarshalJSON implements json.Unmarshaler.
func (t *seoulTime) UnmarshalJSON(data []byte) error {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil || text == nil {
		return err
	}
	at, err := model.ParseSeoul(*text)
	if err != nil {
		return err
	}
	t.StartedAt = &at
	return nil
}
