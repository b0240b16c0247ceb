using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace Ddm.Services;

/// <summary>Counts wrong keys by where they come from. A good key is never held up by them: many clients may share an address.</summary>
internal sealed class WrongKeys(ApiSettings settings) : IDisposable
{
    private readonly PartitionedRateLimiter<IPAddress> limiter = PartitionedRateLimiter.Create<IPAddress, IPAddress>(
        address => RateLimitPartition.GetFixedWindowLimiter(
            Network(address), _ => new FixedWindowRateLimiterOptions { PermitLimit = settings.WrongKeysPerMinute, Window = TimeSpan.FromMinutes(1) }));

    /// <summary>Notes a wrong key; false when there have been too many.</summary>
    public bool Note(IPAddress? from)
    {
        using var lease = limiter.AttemptAcquire(from ?? IPAddress.None);
        return lease.IsAcquired;
    }

    /// <inheritdoc/>
    public void Dispose() => limiter.Dispose();

    // One customer has a whole /64 of IPv6 addresses.
    private static IPAddress Network(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
