using Ddm.Runs;
using Ddm.Services;

namespace Ddm.Simulation.Tests;

/// <summary>
/// The broker: durable queues, one unacknowledged message a consumer, redelivery when a connection is lost. A message may vanish, come twice, minutes late, or
/// after those sent behind it. A redelivery may reach the very process whose first call is still running.
/// </summary>
internal sealed class SimulatedBus(World world, FaultPlan faults, Tally tally)
{
    /// <summary>What the broker allows between delivery and acknowledgement.</summary>
    public static readonly TimeSpan AcknowledgementTimeout = TimeSpan.FromMinutes(30);

    private static readonly TimeSpan Usual = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, List<object>> queues = new(StringComparer.Ordinal);
    private readonly List<Consumer> consumers = [];

    /// <summary>Told of every message that the broker takes, and by whom it was sent.</summary>
    public event Action<SimulatedProcess, object>? Sent;

    public bool IsUp { get; private set; } = true;

    /// <summary>Messages that wait in a queue.</summary>
    public int Waiting(string queue) => queues.TryGetValue(queue, out var messages) ? messages.Count : 0;

    public void Consume(SimulatedProcess process, string queue, Func<object, Task> handle)
    {
        var consumer = new Consumer(process, queue, handle);
        consumers.Add(consumer);
        process.Changed += () => OnChanged(consumer);
        Pump(queue);
    }

    /// <summary>Takes a message, as the dice has it.</summary>
    public void Take(SimulatedProcess by, object message)
    {
        Sent?.Invoke(by, message);
        var troubled = world.Now < faults.Until;
        if (troubled && world.Chance(faults.BusDropsOneIn))
        {
            world.Note(by.Name, "sends", $"{message}: lost");
            return;
        }

        var copies = troubled && world.Chance(faults.BusDoublesOneIn) ? 2 : 1;
        world.Note(by.Name, "sends", copies == 1 ? $"{message}" : $"{message} twice");
        for (var copy = 0; copy < copies; copy++)
        {
            var late = troubled && world.Chance(faults.BusDelaysOneIn);
            world.After(late ? world.About(TimeSpan.FromMinutes(2)) : world.About(Usual), () => Enqueue(message));
        }
    }

    public void GoDown()
    {
        world.Note("broker", "down");
        IsUp = false;
        CloseConnections();
    }

    public void ComeUp(bool empty)
    {
        if (empty)
        {
            queues.Clear();
        }

        world.Note("broker", "up", empty ? "without its messages" : "");
        IsUp = true;
        foreach (var consumer in consumers)
        {
            Reconnect(consumer);
        }
    }

    public void CloseConnections()
    {
        foreach (var consumer in consumers)
        {
            Disconnect(consumer);
            Reconnect(consumer);
        }
    }

    /// <summary>What has been cut off from the broker is found out by heartbeats, on both sides.</summary>
    public void Cut(SimulatedProcess process, TimeSpan time)
    {
        process.BusCut = true;
        world.Note(process.Name, "loses the broker");
        foreach (var consumer in consumers.Where(consumer => consumer.Process == process))
        {
            LoseLater(consumer, () => process.BusCut);
        }

        world.After(time, () =>
        {
            process.BusCut = false;
            world.Note(process.Name, "finds the broker");
            foreach (var consumer in consumers.Where(consumer => consumer.Process == process))
            {
                Reconnect(consumer);
            }
        });
    }

    private void Enqueue(object message)
    {
        if (!IsUp)
        {
            return; // it was on its way when the broker went
        }

        if (message is IRunCommand command)
        {
            Enqueue(QueueNames.For(command), message);
            return;
        }

        // Every control plane hears a wake-up, by a queue that goes with its connection.
        foreach (var queue in consumers.Where(consumer => IsWakeUps(consumer.Queue) && consumer is { Connected: true, Process.Alive: true }).Select(consumer => consumer.Queue).ToList())
        {
            Enqueue(queue, message);
        }
    }

    private void Enqueue(string queue, object message)
    {
        QueueOf(queue).Add(message);
        Pump(queue);
    }

    private void Pump(string queue)
    {
        while (IsUp && queues.TryGetValue(queue, out var messages) && messages.Count > 0)
        {
            var idle = consumers.Where(consumer => consumer.Queue == queue && consumer.IsIdle).ToList();
            if (idle.Count == 0)
            {
                return;
            }

            var at = world.Chance(4) ? world.Dice.Next(messages.Count) : 0;
            var message = messages[at];
            messages.RemoveAt(at);
            Deliver(idle[world.Dice.Next(idle.Count)], message);
        }
    }

    private void Deliver(Consumer consumer, object message)
    {
        var delivery = consumer.Current = new Delivery(message);
        world.Note(consumer.Process.Name, "receives", $"{message}");
        world.After(AcknowledgementTimeout, () =>
        {
            if (!delivery.Void && consumer.Current == delivery)
            {
                world.Note(consumer.Process.Name, "acknowledges too late", $"{message}");
                Disconnect(consumer);
                Reconnect(consumer);
            }
        });
        consumer.Process.Start($"{message}", async () =>
        {
            try
            {
                await consumer.HandleAsync(message);
            }
            catch (IOException e)
            {
                world.Note(consumer.Process.Name, "gives up", $"{message} ({e.Message})"); // among the dead letters, and lost to the run
            }

            world.After(world.About(Usual), () => Acknowledge(consumer, delivery));
        });
    }

    private void Acknowledge(Consumer consumer, Delivery delivery)
    {
        if (delivery.Void || !consumer.Process.Alive)
        {
            return;
        }

        if (consumer.Process.BusCut)
        {
            world.After(world.About(TimeSpan.FromSeconds(1)), () => Acknowledge(consumer, delivery)); // it is said again until it arrives or the connection is lost
            return;
        }

        consumer.Current = null;
        Pump(consumer.Queue);
    }

    private void OnChanged(Consumer consumer)
    {
        var process = consumer.Process;
        if (!process.Alive)
        {
            world.After(world.Chance(2) ? world.About(Usual) : world.About(Heartbeat), () => Disconnect(consumer));
        }
        else if (process.Paused)
        {
            LoseLater(consumer, () => process.Paused);
        }
        else
        {
            Reconnect(consumer);
        }
    }

    private void LoseLater(Consumer consumer, Func<bool> still) => world.After(world.Between(Heartbeat / 2, Heartbeat * 2), () =>
    {
        if (still())
        {
            Disconnect(consumer);
        }
    });

    private void Disconnect(Consumer consumer)
    {
        consumer.Connected = false;
        if (consumer.Current is not { } delivery)
        {
            return;
        }

        delivery.Void = true;
        consumer.Current = null;
        if (!IsWakeUps(consumer.Queue))
        {
            tally.Redelivered++;
            QueueOf(consumer.Queue).Insert(0, delivery.Message);
            Pump(consumer.Queue);
        }
    }

    private List<object> QueueOf(string name)
    {
        if (!queues.TryGetValue(name, out var messages))
        {
            queues.Add(name, messages = []);
        }

        return messages;
    }

    private static bool IsWakeUps(string queue) => queue.StartsWith(QueueNames.ControlPlane, StringComparison.Ordinal);

    private void Reconnect(Consumer consumer) => world.After(world.About(TimeSpan.FromSeconds(1)), () =>
    {
        if (IsUp && consumer.Process is { Alive: true, Paused: false, BusCut: false })
        {
            consumer.Connected = true;
            Pump(consumer.Queue); // also where the connection has outlived the trouble
        }
    });
}
