using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Cli;

/// <summary>The loopback ports of a home's programs: chosen once and kept, for the broker's data and open terminals know them.</summary>
internal sealed record UpPorts(int Broker, int Distribution, int Names, int Blobs)
{
    /// <summary>The ports kept in a file, free ones where there is none yet.</summary>
    /// <exception cref="UserErrorException">One that was kept is taken.</exception>
    public static UpPorts Choose(string file)
    {
        if (!File.Exists(file))
        {
            var chosen = Free(4);
            File.WriteAllText(file, JsonSerializer.Serialize(new UpPorts(chosen[0], chosen[1], chosen[2], chosen[3]), BlobJson.Options));
        }

        UpPorts ports;
        try
        {
            ports = JsonSerializer.Deserialize<UpPorts>(File.ReadAllText(file), BlobJson.Options) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"'{file}' is no list of ports: {e.Message} Delete it to have free ones chosen.", e);
        }

        Require(ports.Broker, "RabbitMQ", file);
        Require(ports.Distribution, "RabbitMQ", file);
        Require(ports.Blobs, "Azurite", file);
        return ports;
    }

    /// <summary>Throws where something listens on a port already.</summary>
    /// <exception cref="UserErrorException">It is taken.</exception>
    public static void Require(int port, string what, string where)
    {
        if (!IsFree(port))
        {
            throw new UserErrorException($"port {port} of {what} is taken on this machine, perhaps by an earlier 'ddm up' that was killed. Stop what listens there ('ss -ltnp | grep {port}'), or change it in {where}.");
        }
    }

    /// <summary>Whether nothing listens on a port of this machine.</summary>
    public static bool IsFree(int port)
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

    // Not those that the system gives to connections: one that is kept would be taken by chance one day.
    private static int[] Free(int count)
    {
        const int First = 20_000, Last = 32_000, Tries = 1000;
        var chosen = new HashSet<int>();
        for (var i = 0; i < Tries && chosen.Count < count; i++)
        {
            if (Random.Shared.Next(First, Last) is var port && IsFree(port))
            {
                chosen.Add(port);
            }
        }

        return chosen.Count == count ? [.. chosen] : throw new UserErrorException($"no free ports were found from {First} to {Last} of this machine: stop what listens there.");
    }
}
