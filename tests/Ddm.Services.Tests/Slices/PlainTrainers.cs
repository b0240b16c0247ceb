using System.Globalization;
using System.Text;
using Ddm.Runs;
using Ddm.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Ddm.Services.Tests;

/// <summary>Trainers whose state is a number that every step changes: a wrong resume, a step too few or too many shows. A step takes its time by a clock of the test's.</summary>
internal sealed class PlainTrainers(FakeTimeProvider time, TimeSpan perStep) : IRoleTrainers
{
    public const string Part = "weights.safetensors";
    private int snapshots;

    /// <summary>Copies of states that nobody has freed.</summary>
    public int Snapshots => snapshots;

    public List<string> Loads { get; } = [];

    public Action<long>? OnStep { get; set; }

    public Func<NumericsClass, bool> Able { get; set; } = _ => true;

    public bool CanTrain(NumericsClass numerics) => Able(numerics);

    public Task<IRoleTrainer> OpenAsync(RunDocument document, Role role, CancellationToken cancellationToken)
        => Task.FromResult<IRoleTrainer>(new Trainer(this, role));

    /// <summary>The state after that many steps.</summary>
    public static string StateAt(Role role, long step)
    {
        var state = (ulong)role.StreamKey + 1;
        for (var made = 0L; made < step; made++)
        {
            state = Next(state, made);
        }

        return Text(state, step);
    }

    private static ulong Next(ulong state, long step) => ((state ^ (ulong)step) * 6364136223846793005UL) + 1442695040888963407UL;

    private static string Text(ulong state, long step) => string.Create(CultureInfo.InvariantCulture, $"{state} {step}");

    private sealed class Trainer(PlainTrainers owner, Role role) : IRoleTrainer
    {
        private ulong state = role.StreamKey + 1UL;

        public string DataManifestSha256 => "da7a";

        public long Step { get; private set; }

        public double? RecentLoss => null;

        public async Task LoadAsync(OpenedCheckpoint? parent, CancellationToken cancellationToken)
        {
            owner.Loads.Add(string.Create(CultureInfo.InvariantCulture, $"{role} {parent?.Manifest.Step ?? 0}"));
            if (parent is not null)
            {
                using var reader = new StreamReader(await parent.OpenPartAsync(Part, cancellationToken));
                var words = (await reader.ReadToEndAsync(cancellationToken)).Split(' ');
                (state, Step) = (ulong.Parse(words[0], CultureInfo.InvariantCulture), long.Parse(words[1], CultureInfo.InvariantCulture));
            }
        }

        public async Task StepAsync(Func<long, bool> goOn)
        {
            await Task.Yield(); // as a device thread does: what was begun beside the steps goes on meanwhile
            do
            {
                owner.OnStep?.Invoke(Step);
                state = Next(state, Step);
                Step++;
                owner.Advance();
            }
            while (goOn(Step));
        }

        public Task<RoleSnapshot> SnapshotAsync()
        {
            var text = Encoding.UTF8.GetBytes(Text(state, Step));
            Interlocked.Increment(ref owner.snapshots);
            return Task.FromResult(new RoleSnapshot(Step, [(Part, (stream, token) => stream.WriteAsync(text, token).AsTask())])
            {
                Release = () => Interlocked.Decrement(ref owner.snapshots),
            });
        }

        public void Committed(long step)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private void Advance() => time.Advance(perStep);
}
