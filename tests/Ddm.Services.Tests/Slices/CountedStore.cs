using Ddm.Storage.Tests;

namespace Ddm.Services.Tests;

/// <summary>A store in memory that notes its calls and lets a test interfere before one.</summary>
internal sealed class CountedStore(MemoryBlobStore below) : InterceptedBlobStore(below)
{
    public MemoryBlobStore Below => below;

    public List<string> Calls { get; } = [];

    public Func<string, Task>? Before { get; set; }

    public Func<string, Task>? After { get; set; }

    protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        lock (Calls)
        {
            Calls.Add(call);
        }

        if (Before is { } before)
        {
            await before(call);
        }

        var reply = await run();
        if (After is { } after)
        {
            await after(call);
        }

        return reply;
    }
}
