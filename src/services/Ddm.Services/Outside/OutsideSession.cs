using Ddm.Runs;

namespace Ddm.Services;

/// <summary>What an outside worker knows of itself: what its control plane told it at first, and which claim it is at.</summary>
/// <param name="Welcome">What the control plane told.</param>
/// <param name="Identity">Who this process is: its name begins with the key's.</param>
internal sealed record OutsideSession(OutsideWelcome Welcome, WorkerIdentity Identity)
{
    private OutsideClaim? current;

    /// <summary>The claim that requests for blobs are made under. One slice runs at a time.</summary>
    public OutsideClaim Current
    {
        get => Volatile.Read(ref current) ?? throw new InvalidOperationException("This worker was handed no slice yet.");
        set => Volatile.Write(ref current, value);
    }

    /// <summary>Gets in touch, and waits for a control plane that is away.</summary>
    /// <param name="server">The connection.</param>
    /// <param name="settings">What the process was told about itself.</param>
    /// <param name="host">Its machine.</param>
    /// <param name="processId">Its number.</param>
    /// <param name="time">The clock.</param>
    /// <param name="tell">Hears once that the control plane is waited for.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="UserErrorException">The key or the pool is wrong.</exception>
    public static async Task<OutsideSession> JoinAsync(
        ServerConnection server, WorkerSettings settings, string host, int processId, TimeProvider time, Action<string> tell, CancellationToken cancellationToken)
    {
        OutsideWelcome? welcome = null;
        var told = false;
        while (welcome is null)
        {
            try
            {
                welcome = await server.AskAsync<OutsideWelcome>("", null, ServerConnection.Once, OutsidePatience.Short, cancellationToken);
            }
            catch (IOException e)
            {
                if (!told)
                {
                    tell($"{e.Message} Waiting for it.");
                    told = true;
                }

                await Task.Delay(OutsidePatience.BetweenJoins, time, cancellationToken);
            }
        }

        if (welcome.Pool is { } pool && pool != settings.Pool)
        {
            throw new UserErrorException($"This key is for pool '{pool}', and Ddm:Pool is '{settings.Pool}'. Set Ddm:Pool to '{pool}'.");
        }

        var service = WorkerIdentity.Service($"{welcome.Holder}/{host}", processId, time.GetUtcNow().ToUnixTimeMilliseconds());
        return new OutsideSession(welcome, service);
    }
}
