using Microsoft.Extensions.Time.Testing;

namespace Ddm.Storage.Tests;

public sealed class StoreOutagesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<TimeSpan> _told = [];

    [Fact]
    public void AnOutageIsToldOnceItIsOverAndOnce()
    {
        var outages = Outages();
        outages.Miss();
        _time.Advance(TimeSpan.FromSeconds(3));
        outages.Miss();
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(outages.IsOut);
        Assert.Empty(_told);

        outages.Answer();
        outages.Answer();

        Assert.Equal([TimeSpan.FromSeconds(5)], _told);
        Assert.False(outages.IsOut);
    }

    [Fact]
    public void AConnectionThatWasClosedMeanwhileIsNone()
    {
        var outages = Outages();
        outages.Miss();
        _time.Advance(StoreOutages.Shortest / 2);
        outages.Answer();

        Assert.Empty(_told);
    }

    private StoreOutages Outages()
    {
        var outages = new StoreOutages(_time);
        outages.Over += _told.Add;
        return outages;
    }
}
