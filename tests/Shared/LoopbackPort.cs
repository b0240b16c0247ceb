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

    /// <summary>The first of several that follow one another, free at this moment, and not of those that the system gives to connections.</summary>
    public static int Block(int count)
    {
        while (true)
        {
            var first = Random.Shared.Next(20_000, 32_000);
            if (Enumerable.Range(first, count).All(IsFree))
            {
                return first;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
