using System.Net.Sockets;
using Ddm.Runs;
using Ddm.Storage;

namespace Ddm.Services.Tests.Messaging;

public sealed class FaultsTests
{
    public static TheoryData<Exception, bool, bool> Kinds => new()
    {
        { new IOException(), true, false },
        { new SocketException(), true, false },
        { new HttpRequestException(), true, false },
        { new TimeoutException(), true, false },
        { new TaskCanceledException(), true, false }, // a client's own timeout
        { new MassTransit.RabbitMqConnectionException("away"), true, false },
        { new UserErrorException("full") { MayPass = true }, true, false },
        { new UserErrorException("wrong"), false, true },
        { new InvalidDataException(), false, true },
        { new CheckpointException("none whole"), false, true },
        { new InvalidOperationException(), false, false },
        { new AggregateException(new IOException(), new TimeoutException()), true, false },
        { new AggregateException(new IOException(), new InvalidOperationException()), false, false },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TroubleOfTheSurroundingsIsToldFromTroubleOfTheRun(Exception error, bool mayPass, bool isFinal)
    {
        Assert.Equal(mayPass, Faults.MayPass(error));
        Assert.Equal(isFinal, Faults.IsFinal(error));
    }
}
