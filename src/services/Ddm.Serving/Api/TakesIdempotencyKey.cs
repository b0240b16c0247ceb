namespace Ddm.Serving;

/// <summary>Marks an endpoint that knows a request which is sent again.</summary>
internal sealed class TakesIdempotencyKey;
