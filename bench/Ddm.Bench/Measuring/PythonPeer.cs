using System.Diagnostics;
using System.Text.Json;

namespace Ddm.Bench;

/// <summary>A peer in Python: a script of <c>bench/peers</c> that does a round of work whenever it is told to.</summary>
internal sealed class PythonPeer : IDisposable
{
    private const string Python = "/usr/bin/python3";
    private readonly Process process;
    private readonly string script;

    private PythonPeer(Process process, string script)
    {
        this.process = process;
        this.script = script;
        Versions = Answer().GetProperty("versions").ToString();
    }

    /// <summary>What the script says of its libraries, as JSON.</summary>
    public string Versions { get; }

    /// <summary>Starts a script and waits until it is set up.</summary>
    /// <param name="script">Its file name.</param>
    /// <param name="arguments">Its arguments.</param>
    public static PythonPeer Start(string script, params string[] arguments)
    {
        var path = Path.Combine(RepositoryRoot.Find(), "bench", "peers", script);
        var start = new ProcessStartInfo(Python, [path, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        // Where they are set they hold OpenBLAS to an old kernel: a peer runs as it would on its user's machine.
        start.Environment.Remove("OPENBLAS_CORETYPE");
        start.Environment.Remove("OPENBLAS_L2_SIZE");
        return new PythonPeer(Process.Start(start) ?? throw new InvalidOperationException($"{Python} did not start."), script);
    }

    /// <summary>Lets it do one round.</summary>
    /// <returns>Its answer; <c>seconds</c> is among it.</returns>
    public JsonElement Round()
    {
        process.StandardInput.WriteLine();
        process.StandardInput.Flush();
        return Answer();
    }

    /// <summary>The peer as a side.</summary>
    public Side ToSide(string name) => new(name, () => Round().GetProperty("seconds").GetDouble());

    public void Dispose()
    {
        process.StandardInput.Close(); // the end of its input ends it
        if (!process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }

    private JsonElement Answer()
    {
        var line = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"bench/peers/{script} ended; what it said stands above.");
        return JsonSerializer.Deserialize<JsonElement>(line);
    }
}
