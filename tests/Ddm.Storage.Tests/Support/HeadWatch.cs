using Ddm.Runs;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ddm.Storage.Tests;

/// <summary>Looks at the store after every call that went through it and holds the promises of <see cref="CheckpointStore"/> against what it sees.</summary>
internal sealed class HeadWatch(IBlobStore below, string run, Role role) : InterceptedBlobStore(below)
{
    private readonly IBlobStore _below = below;
    private readonly Dictionary<long, string> _ownerOfEpoch = [];
    private RoleHead? _last;

    /// <summary>Every head ever seen, in order.</summary>
    public List<RoleHead> Heads { get; } = [];

    protected override async Task<T> InterceptAsync<T>(string call, Func<Task<T>> run, T refused, bool conditional)
    {
        var reply = await run();
        if (call.StartsWith("write ", StringComparison.Ordinal) || call.StartsWith("delete ", StringComparison.Ordinal))
        {
            await CheckAsync(call);
        }

        return reply;
    }

    private async Task CheckAsync(string call)
    {
        var checkpoints = new CheckpointStore(_below, TimeProvider.System, NullLogger.Instance);
        if (await checkpoints.ReadOwnerAsync(run, role, CancellationToken.None) is { Worker.Length: > 0 } owner)
        {
            var name = $"{owner.Worker}#{owner.Attempt}";
            Assert.True(_ownerOfEpoch.GetValueOrDefault(owner.Epoch, name) == name, $"{call}: epoch {owner.Epoch} belongs to {_ownerOfEpoch.GetValueOrDefault(owner.Epoch)} and {name}");
            _ownerOfEpoch[owner.Epoch] = name;
        }

        var head = await checkpoints.ReadHeadAsync(run, role, CancellationToken.None);
        if (head is null || head == _last)
        {
            Assert.True(_last is null || head is not null, $"{call}: the head is gone");
            return;
        }

        Assert.True(head.Epoch >= (_last?.Epoch ?? 0), $"{call}: epoch went from {_last?.Epoch} to {head.Epoch}");
        Assert.True(head.Step >= (_last?.Step ?? 0), $"{call}: step went from {_last?.Step} to {head.Step}");
        var opened = await checkpoints.OpenAsync(run, role, null, CancellationToken.None);
        Assert.Equal(head.Checkpoint, opened?.Folder);
        Assert.True(opened is null or { Skipped.Count: 0 }, $"{call}: {string.Join("; ", opened?.Skipped ?? [])}");
        Assert.True(opened is null || opened.Manifest.Step == head.Step, $"{call}: head and manifest disagree on the step");
        _last = head;
        Heads.Add(head);
    }
}
