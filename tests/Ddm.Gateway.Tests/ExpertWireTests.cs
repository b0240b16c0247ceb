using System.Buffers.Binary;
using System.Text;
using Ddm.Diffusion;
using Ddm.Runs;
using Ddm.Serving;
using Ddm.Tests;
using Grpc.Core;
using Microsoft.Extensions.Configuration;

namespace Ddm.Gateway.Tests;

/// <summary>What is no question is refused with a clear status, and reaches no network.</summary>
public class ExpertWireTests(TinyModel model)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly DiTConfig Network = new(8, 1, 4, 32, 1, 2, 4, 2, 0);

    [Fact]
    public async Task GarbageIsRefusedWithAClearStatusAndTheHostGoesOn()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "0");
        var expert = host.Experts.Held[0];
        var good = Question(expert).Write();

        Assert.Equal(2 * 64, (VelocityAnswer.Read(await AskAsync(host, good), [2, 1, 8, 8]).Data.Length / 4));
        foreach (var (bytes, status, part) in new (byte[], StatusCode, string)[]
        {
            ([], StatusCode.InvalidArgument, "DDMV"),
            (Encoding.UTF8.GetBytes(new string('x', 1000)), StatusCode.InvalidArgument, "DDMV"),
            (good[..^1], StatusCode.InvalidArgument, "the condition: 15 bytes where [2] takes 16"),
            ([.. good, 0], StatusCode.InvalidArgument, "1 bytes follow"),
            (With(good, 4, 9), StatusCode.InvalidArgument, "version 9"),
            (With(good, 37, 200), StatusCode.InvalidArgument, "200 tensors"),
            (With(good, 38, 7), StatusCode.InvalidArgument, "x: no tensor begins here"),
            (WithSize(good, 40, int.MaxValue), StatusCode.InvalidArgument, "x:"),
            (WithSize(good, 40, -1), StatusCode.InvalidArgument, "a size of -1"),
            (Question(expert, labels: [0, 3]).Write(), StatusCode.InvalidArgument, "the condition has 3: give 0 to 2"),
            (Question(expert, labels: [0, -1]).Write(), StatusCode.InvalidArgument, "the condition has -1"),
            (Question(expert, labels: [0]).Write(), StatusCode.InvalidArgument, "the classes: Int64 [1]"),
            ((Question(expert) with { Condition = null }).Write(), StatusCode.InvalidArgument, "takes classes, and none came"),
            (Question(expert, side: 16).Write(), StatusCode.InvalidArgument, "x: Float32 [2, 1, 16, 16]"),
            (Question(new string('a', 64)).Write(), StatusCode.NotFound, "does not hold expert aaaaaaaaaaaa"),
        })
        {
            var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(host, bytes));
            Assert.True(error.StatusCode == status && error.Status.Detail.Contains(part, StringComparison.Ordinal), $"{part}: {error.Status}");
        }

        for (var i = 0; i < 500; i++)
        {
            var broken = good.ToArray();
            broken[(i * 7) % 60] ^= (byte)(1 << (i % 8));
            await Record.ExceptionAsync(() => AskAsync(host, broken)); // whatever it says, it says something
        }

        Assert.NotEmpty(await AskAsync(host, good));
    }

    [Fact]
    public async Task WithoutAKeyOrWithAnotherNothingIsAnswered()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "0");
        var good = Question(host.Experts.Held[0]).Write();
        foreach (var (key, status) in new[] { (null, StatusCode.Unauthenticated), ("no-key-of-this-host-0123456789", StatusCode.Unauthenticated), (GatewayServer.Key, StatusCode.PermissionDenied) })
        {
            foreach (var method in new[] { ExpertWire.Velocity, ExpertWire.Describe })
            {
                Assert.Equal(status, (await Assert.ThrowsAsync<RpcException>(() => AskAsync(host, good, key, method))).StatusCode);
            }
        }
    }

    [Fact]
    public async Task MoreQuestionsThanMayWaitAreSentAway()
    {
        var home = model.CopyHome();
        await using var host = await ExpertHostServer.StartAsync(home, "0", null, ("Ddm:ExpertHost:MaxWaiting", "1"));
        var good = Question(host.Experts.Held[0]).Write();
        Task<byte[]> waits;
        using (host.Block())
        {
            waits = AskAsync(host, good);
            await Waiting.ForAsync("one waits", Soon, _ => Task.FromResult(host.Load.Waiting == 1));
            var error = await Assert.ThrowsAsync<RpcException>(() => AskAsync(host, good).WaitAsync(Soon, TestContext.Current.CancellationToken));
            Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        }

        await waits.WaitAsync(Soon, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("Ddm:ExpertHosts:Addresses", "http://10.1.2.3:5095", "in the open")]
    [InlineData("Ddm:ExpertHosts:Addresses", "experts:5095", "no address")]
    [InlineData("Ddm:ExpertHosts:Local", "one", "'one' is no expert")]
    [InlineData("Ddm:ExpertHosts:Deadline", "30", "'30' is no duration")]
    public void WrongSettingsOfAGatewayAreNamed(string setting, string value, string part)
        => Assert.Contains(part, Assert.Throws<UserErrorException>(() => FleetSettings.From(Configuration((setting, value)))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("Ddm:ExpertHost:Listen", "http://0.0.0.0:5095", "in the open")]
    [InlineData("Ddm:ExpertHost:Model", "", "is not set")]
    [InlineData("Ddm:ExpertHost:Experts", "0,x", "'x' is no expert")]
    [InlineData("Ddm:ExpertHost:Experts", "5/4", "no share")]
    public void WrongSettingsOfAHostAreNamed(string setting, string value, string part)
        => Assert.Contains(
            part, Assert.Throws<UserErrorException>(() => ExpertHostSettings.From(Configuration(("Ddm:ExpertHost:Model", "cats"), (setting, value)))).Message, StringComparison.Ordinal);

    [Fact]
    public void AQuestionIsReadAsItWasWritten()
    {
        var question = Question(new string('b', 64));
        var read = VelocityQuestion.Read(question.Write());
        read.Check(Network);
        Assert.Equal(question.Expert, read.Expert);
        Assert.Equal(question.X.Data.ToArray(), read.X.Data.ToArray());
        Assert.Equal(question.Condition!.Shape, read.Condition!.Shape);
    }

    private static VelocityQuestion Question(string expert, long[]? labels = null, int side = 8)
    {
        labels ??= [0, 2];
        return new VelocityQuestion(
            expert,
            new WireTensor(TorchSharp.torch.ScalarType.Float32, [2, 1, side, side], Bytes(Enumerable.Range(0, 2 * side * side).Select(i => i / 64f))),
            new WireTensor(TorchSharp.torch.ScalarType.Float32, [2], Bytes([0.5f, 1f])),
            new WireTensor(TorchSharp.torch.ScalarType.Int64, [labels.Length], labels.SelectMany(BitConverter.GetBytes).ToArray()));
    }

    private static byte[] Bytes(IEnumerable<float> values) => [.. values.SelectMany(BitConverter.GetBytes)];

    private static byte[] With(byte[] bytes, int at, byte value) => [.. bytes[..at], value, .. bytes[(at + 1)..]];

    private static byte[] WithSize(byte[] bytes, int at, int size)
    {
        var copy = bytes.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(copy.AsSpan(at), size);
        return copy;
    }

    private static IConfiguration Configuration(params (string Setting, string Value)[] settings)
        => new ConfigurationBuilder().AddInMemoryCollection(settings.ToLookup(setting => setting.Setting).Select(same => KeyValuePair.Create<string, string?>(same.Key, same.Last().Value))).Build();

    private static Task<byte[]> AskAsync(ExpertHostServer host, byte[] bytes) => AskAsync(host, bytes, ExpertHostServer.Key, ExpertWire.Velocity);

    private static async Task<byte[]> AskAsync(ExpertHostServer host, byte[] bytes, string? key, Method<byte[], byte[]> method)
    {
        using var channel = host.Channel();
        var headers = new Metadata();
        if (key is not null)
        {
            headers.Add("authorization", "Bearer " + key);
        }

        using var call = channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(headers, cancellationToken: TestContext.Current.CancellationToken), bytes);
        return await call.ResponseAsync;
    }
}
