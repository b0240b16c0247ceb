using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http;

namespace Ddm.Serving;

/// <summary>What one key may ask of this replica: requests a minute, pictures a day.</summary>
internal sealed class KeyLimits(ServingSettings settings) : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private const int Slices = 6; // of a minute: what is used up comes back bit by bit

    private readonly PartitionedRateLimiter<string> requests = PartitionedRateLimiter.Create<string, string>(key => RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
    {
        TokenLimit = settings.RequestsPerMinute,
        TokensPerPeriod = Math.Max(1, settings.RequestsPerMinute / Slices),
        ReplenishmentPeriod = Minute / Slices,
    }));

    private readonly PartitionedRateLimiter<string> pictures = PartitionedRateLimiter.Create<string, string>(key => RateLimitPartition.GetFixedWindowLimiter(
        key, _ => new FixedWindowRateLimiterOptions { PermitLimit = Math.Max(1, settings.PicturesPerDay), Window = Day }));

    /// <summary>Notes a request.</summary>
    /// <exception cref="GatewayException">There have been too many.</exception>
    public void NoteRequest(string key)
    {
        using var lease = requests.AttemptAcquire(key);
        if (!lease.IsAcquired)
        {
            throw new GatewayException(
                StatusCodes.Status429TooManyRequests, string.Create(CultureInfo.InvariantCulture, $"This key made more than {settings.RequestsPerMinute} requests a minute. Slow down."),
                null, "rate_limit_exceeded", After(lease, 10));
        }
    }

    /// <summary>Notes pictures that are asked for.</summary>
    /// <exception cref="GatewayException">There have been too many.</exception>
    public void NotePictures(string key, int count)
    {
        if (settings.PicturesPerDay == 0)
        {
            return;
        }

        using var lease = count <= settings.PicturesPerDay ? pictures.AttemptAcquire(key, count) : null;
        if (lease is not { IsAcquired: true })
        {
            throw new GatewayException(
                StatusCodes.Status429TooManyRequests, string.Create(CultureInfo.InvariantCulture, $"This key's {settings.PicturesPerDay} pictures a day are used up. Ask again tomorrow, or for fewer."),
                null, "quota_exceeded", After(lease, 3600));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        requests.Dispose();
        pictures.Dispose();
    }

    private static int After(RateLimitLease? lease, int usual)
        => lease is not null && lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? (int)Math.Ceiling(after.TotalSeconds) : usual;
}
