package workflows_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/protobuf/proto"

	"github.com/byeolshow/byeolshow/activities"
	"github.com/byeolshow/byeolshow/model"
	"github.com/byeolshow/byeolshow/workflows"
)

func keys(ids ...string) []workflows.SealKey {
	var list []workflows.SealKey
	for _, id := range ids {
		list = append(list, workflows.SealKey{ID: id, Secret: []byte(strings.Repeat(id, 32))})
	}
	return list
}

func TestPersonalDataIsSealed(t *testing.T) {
	t.Parallel()
	sealed, err := workflows.NewDataConverter(keys("a"))
	require.NoError(t, err)
	order := activities.NewOrder{CustomerID: "C", Key: "k", Payload: []byte(`{"address":"테헤란로"}`)}
	payloads, err := sealed.ToPayloads(order, activities.Price{OrderID: "O", Due: 1000})
	require.NoError(t, err)
	require.NotContains(t, payloads.Payloads[0].String(), "테헤란로")
	require.NotContains(t, string(payloads.Payloads[0].Data), "address")
	require.Contains(t, string(payloads.Payloads[1].Data), "1000", "what is not personal is for operators to read")

	rotated, err := workflows.NewDataConverter(keys("b", "a"))
	require.NoError(t, err)
	var back activities.NewOrder
	var price activities.Price
	require.NoError(t, rotated.FromPayloads(payloads, &back, &price))
	require.Equal(t, order, back)
	stranger, err := workflows.NewDataConverter(keys("c"))
	require.NoError(t, err)
	require.ErrorContains(t, stranger.FromPayloads(payloads, &back, &price), "unknown key")
	payloads.Payloads[0].Data[20] ^= 1
	require.Error(t, rotated.FromPayloads(payloads, &back, &price))
	_, err = workflows.NewDataConverter(nil)
	require.Error(t, err)
	plain, err := converter.GetDefaultDataConverter().ToPayload("x")
	require.NoError(t, err)
	var text string
	require.NoError(t, sealed.FromPayload(plain, &text), "what was written without seal is read")
}

func TestFailuresAreDiscreet(t *testing.T) {
	t.Parallel()
	data, err := workflows.NewDataConverter(keys("a"))
	require.NoError(t, err)
	failures := workflows.NewFailureConverter(data)
	cause := errors.New("account 110123456789 of demo@byeolshow.example is closed")
	failure := failures.ErrorToFailure(temporal.NewApplicationErrorWithCause("refused: "+cause.Error(), "iamport-refused", cause))
	require.Equal(t, "refused: account … of … is closed", failure.GetMessage())
	require.Equal(t, "account … of … is closed", failure.GetCause().GetMessage())
	var read *temporal.ApplicationError
	require.ErrorAs(t, failures.FailureToError(failure), &read)
	require.Equal(t, "iamport-refused", read.Type())
}

func TestWordsOfVendorsAreSealed(t *testing.T) {
	t.Parallel()
	data, err := workflows.NewDataConverter(keys("a"))
	require.NoError(t, err)
	failures := workflows.NewFailureConverter(data)
	const words = "예금주 홍길동 불일치"
	shop := &model.Error{Code: "invalid", Detail: words, Status: 400}
	fault := activities.Fault{System: activities.VendorIamport, Words: words}
	for kind, refusal := range map[string]error{
		"invalid": activities.Refuse(shop),
		activities.ErrorRefused: temporal.NewApplicationErrorWithOptions("iamport: 200, code 1", activities.ErrorRefused,
			temporal.ApplicationErrorOptions{Details: []any{fault}}),
	} {
		failure := failures.ErrorToFailure(refusal)
		written, err := proto.Marshal(failure)
		require.NoError(t, err)
		require.NotContains(t, string(written), words)
		var read *temporal.ApplicationError
		require.ErrorAs(t, failures.FailureToError(failure), &read)
		require.Equal(t, kind, read.Type())
		if kind == activities.ErrorRefused {
			require.Equal(t, fault, activities.Blamed(read))
		} else {
			require.Equal(t, shop, workflows.RefusalOf(read))
		}
	}
	answer, err := data.ToPayload(workflows.Progress{LastError: words})
	require.NoError(t, err)
	require.NotContains(t, string(answer.GetData()), words)
}
