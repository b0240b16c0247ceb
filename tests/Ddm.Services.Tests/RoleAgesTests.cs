using System.Diagnostics.Metrics;
using Ddm.Runs;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests;

/// <summary>What alerts on stalled roles are made of.</summary>
public sealed class RoleAgesTests : IDisposable
{
    private const string CommitAge = "ddm.role.commit.age", IdleAge = "ddm.role.idle.age";
    private readonly FakeTimeProvider time = new();
    private readonly Dictionary<(string Metric, string Role), double> seen = [];
    private readonly MeterListener listener = new();
    private readonly RoleAges ages;

    public RoleAgesTests()
    {
        ages = new RoleAges(time);
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (instrument.Name is CommitAge or IdleAge)
            {
                own.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            var all = tags.ToArray().ToDictionary(tag => tag.Key, tag => tag.Value);
            if (Equals(all["ddm.run"], SliceWorkshop.Run))
            {
                seen[(instrument.Name, (string)all["ddm.role"]!)] = value;
            }
        });
        listener.Start();
    }

    public void Dispose() => listener.Dispose();

    [Fact]
    public async Task ARolesAgesGrowUntilItCommitsOrIsTakenAndGoWithIt()
    {
        await using var shop = new SliceWorkshop();
        var document = shop.Document;
        Look(document, step: 0, owned: true);
        Look(document, step: 0, owned: true, after: 100);
        Assert.Equal((100, 0), Read("experts/0"));
        Look(document, step: 0, owned: false, after: 50);
        Assert.Equal((150, 50), Read("experts/0"));
        Look(document, step: 60, owned: true, after: 10);
        Assert.Equal((0, 0), Read("experts/0"));

        Look(document, step: 1000, owned: false, after: 10); // it has its steps
        Assert.Null(Read("experts/0"));
        Look(document, step: 60, owned: false);
        Look(document with { Status = RunStatus.Cancelled }, step: 60, owned: false, after: 10);
        Assert.Null(Read("experts/0"));
    }

    [Fact]
    public async Task WhatAnotherControlPlaneLooksAtIsForgotten()
    {
        await using var shop = new SliceWorkshop();
        Look(shop.Document, step: 0, owned: false);
        time.Advance(TimeSpan.FromMinutes(14));
        Assert.NotNull(Read("experts/0"));
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Null(Read("experts/0"));
    }

    private void Look(RunDocument document, long step, bool owned, double after = 0)
    {
        time.Advance(TimeSpan.FromSeconds(after));
        ages.Note(document, new RunObservation
        {
            Stage = RunStage.Train,
            CommittedSteps = new Dictionary<string, long> { ["experts/0"] = step },
            OwnedRoles = owned ? new HashSet<string> { "experts/0" } : [],
        });
    }

    private (double Commit, double Idle)? Read(string role)
    {
        seen.Clear();
        listener.RecordObservableInstruments();
        return seen.TryGetValue((CommitAge, role), out var commit) ? (commit, seen[(IdleAge, role)]) : null;
    }
}
