namespace Ddm.Serving;

/// <summary>Which job an idempotency key made.</summary>
/// <param name="Job">Its id.</param>
/// <param name="BodySha256">Of the request: another under the same key is a mistake.</param>
internal sealed record IdempotencyRecord(string Job, string BodySha256);
