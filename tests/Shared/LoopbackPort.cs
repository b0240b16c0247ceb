using System.Net;
using System.Net.Sockets;

namespace Ddm.Tests;

/// <summary>Free ports of this machine.</summary>
internal static class LoopbackPort
{
    /// <summary>As many different ones, free at this moment.</summary>
    public static int[] Free(int count)
    {
        // All are held until all are known, so that none is named twice.
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToArray();
        try
        {
            return [.. listeners.Select(listener =>
            {
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            })];
        }
        finally
        {
            Array.ForEach(listeners, listener => listener.Stop());
        }
    }
}
