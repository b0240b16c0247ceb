namespace Ddm.Simulation.Tests;

/// <summary>
/// Which faults a world has and how many, drawn from its seed. Each kind is there in about half of all worlds: one that has everything at once hides what a
/// few faults do by themselves.
/// </summary>
internal sealed record FaultPlan
{
    /// <summary>One call in so many fails before it takes effect; 0: none.</summary>
    public int StoreFailsOneIn { get; init; }

    /// <summary>One call in so many loses its reply.</summary>
    public int StoreReplyLostOneIn { get; init; }

    /// <summary>One conditional write in so many is done and reported as refused.</summary>
    public int StoreRefusesOneIn { get; init; }

    /// <summary>One write in so many takes effect when its caller has given up.</summary>
    public int StoreLateOneIn { get; init; }

    /// <summary>How much slower than usual the store is.</summary>
    public double StoreSlowness { get; init; } = 1;

    /// <summary>One message in so many vanishes.</summary>
    public int BusDropsOneIn { get; init; }

    /// <summary>One message in so many arrives twice.</summary>
    public int BusDoublesOneIn { get; init; }

    /// <summary>One message in so many comes minutes late.</summary>
    public int BusDelaysOneIn { get; init; }

    /// <summary>One sending in so many fails, before or after the broker has the message.</summary>
    public int SendFailsOneIn { get; init; }

    /// <summary>How often somebody sweeps all roles beside the workers, as <c>ddm gc</c> does; zero: never.</summary>
    public TimeSpan SweepsEvery { get; init; }

    /// <summary>Faults of whole processes and connections that happen one after another while the trouble lasts.</summary>
    public IReadOnlyList<FaultKind> Kinds { get; init; } = [];

    /// <summary>Mean time between two of <see cref="Kinds"/>.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When the trouble ends: from then on nothing fails.</summary>
    public TimeSpan Until { get; init; }

    /// <summary>Whether no fault can cost training: none but the broker's.</summary>
    public bool SparesTraining => this is { StoreFailsOneIn: 0, StoreReplyLostOneIn: 0, StoreRefusesOneIn: 0, StoreLateOneIn: 0 }
        && Kinds.All(kind => kind is FaultKind.BrokerRestarts or FaultKind.BrokerIsWiped or FaultKind.ConnectionsClose or FaultKind.WorkerLosesBroker or FaultKind.ControlPlaneDies);

    /// <summary>Whether commits may fail for longer than the time between two: what is lost then is lost since they began to.</summary>
    public bool StopsCommits => StoreFailsOneIn > 0 || StoreReplyLostOneIn > 0 || StoreLateOneIn > 0 || Kinds.Contains(FaultKind.WorkerLosesStore);

    /// <summary>Nothing fails.</summary>
    public static FaultPlan None { get; } = new();

    /// <summary>The plan of a seed.</summary>
    public static FaultPlan Draw(Random dice)
    {
        var kinds = Enum.GetValues<FaultKind>().Where(_ => dice.Next(2) == 0).ToArray();
        var onlyBus = dice.Next(8) == 0; // so that worlds that must waste nothing are no rarity
        return new FaultPlan
        {
            StoreFailsOneIn = onlyBus ? 0 : Rate(60),
            StoreReplyLostOneIn = onlyBus ? 0 : Rate(60),
            StoreRefusesOneIn = onlyBus ? 0 : Rate(40),
            StoreLateOneIn = onlyBus ? 0 : Rate(100),
            StoreSlowness = dice.Next(3) == 0 ? (40 * dice.NextDouble()) + 0.1 : 1,
            BusDropsOneIn = Rate(5),
            BusDoublesOneIn = Rate(4),
            BusDelaysOneIn = Rate(8),
            SendFailsOneIn = Rate(10),
            Kinds = onlyBus ? [.. kinds.Where(kind => kind is FaultKind.BrokerRestarts or FaultKind.BrokerIsWiped or FaultKind.ConnectionsClose)] : kinds,
            SweepsEvery = dice.Next(4) == 0 ? TimeSpan.FromSeconds(5 + 30 * dice.NextDouble()) : TimeSpan.Zero,
            Every = TimeSpan.FromSeconds(5 + 55 * dice.NextDouble()),
            Until = TimeSpan.FromMinutes(2 + 8 * dice.NextDouble()),
        };

        int Rate(int least) => dice.Next(2) == 0 ? 0 : least * (1 + dice.Next(10));
    }

    /// <summary>What becomes of a call of the store.</summary>
    public CallFate OfStoreCall(World world, bool conditional) =>
        world.Now >= Until ? CallFate.Good
        : world.Chance(StoreFailsOneIn) ? CallFate.FailsBefore
        : world.Chance(StoreReplyLostOneIn) ? CallFate.ReplyLost
        : conditional && world.Chance(StoreRefusesOneIn) ? CallFate.RefusedAfterDone
        : conditional && world.Chance(StoreLateOneIn) ? CallFate.TakesEffectLate
        : CallFate.Good;
}
