package workflows

import "go.temporal.io/sdk/temporal"

// Search attributes an operator finds workflows by. AttributeStuck is another.
var (
	AttributeOrder      = temporal.NewSearchAttributeKeyKeyword("OrderID")
	AttributeCustomer   = temporal.NewSearchAttributeKeyKeyword("CustomerID")
	AttributeAmount     = temporal.NewSearchAttributeKeyInt64("AmountKRW")
	AttributeStage      = temporal.NewSearchAttributeKeyKeyword("OrderStage")
	AttributeInfluencer = temporal.NewSearchAttributeKeyKeyword("InfluencerID")
	AttributeStatus     = temporal.NewSearchAttributeKeyKeyword("BroadcastStatus")
	// AttributeSince is when the stage or status began.
	AttributeSince = temporal.NewSearchAttributeKeyTime("StageSince")
)

// SearchAttributes are the names of all search attributes, and their types as
// Temporal calls them: a namespace needs them before a worker starts.
func SearchAttributes() map[string]string {
	types := map[string]string{}
	for _, key := range []temporal.SearchAttributeKey{
		AttributeOrder, AttributeCustomer, AttributeAmount, AttributeStage, AttributeInfluencer, AttributeStatus, AttributeSince, AttributeStuck,
	} {
		types[key.GetName()] = key.GetValueType().String()
	}
	return types
}
